"""What the dialogs of the row actions ask, and the one service call that each makes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.audit import Actor
from common.addresses import shown
from common.forms import AddressInput, ChoiceCards
from provisioning import selectors
from provisioning.jobs import user_services
from provisioning.models import Job, Subscriber
from templates_app.models import Package

PACKAGE_HINTS = {
    str(Package.SOFTPHONE): _("Calling only, no messages"),
    str(Package.BASIC): _("Calling, messages, meetings in a space"),
    str(Package.STANDARD): _("Basic and a personal meeting room"),
    str(Package.PREMIUM): _("Larger meetings, call-in numbers, recording"),
}
PACKAGE_MISSING = _("Choose one of the packages.")


class ActionForm(forms.Form):
    """One action on one user.

    The hidden `submission_id` makes a double click, and the back button, one action.
    """

    #: Template of the dialog, below `userstatus/users/`.
    template = ""
    submission_id = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, subscriber: Subscriber, data: Any = None) -> None:
        super().__init__(data, initial={"submission_id": uuid.uuid4()} | self.first(subscriber))
        self.subscriber = subscriber

    def first(self, subscriber: Subscriber) -> dict[str, Any]:
        """What the fields hold when the dialog opens."""
        return {}

    def run(self, *, actor: Actor, now: datetime) -> Job:
        """Do it; only after `is_valid`.

        Raises:
            ActionRefused, BadAddress, PermissionDenied: as provisioning.services says.
        """
        raise NotImplementedError


class RetryForm(ActionForm):
    """Try the activation again, with an address that the administrator vouches for."""

    template = "retry.html"
    email = forms.CharField(
        label=_("Email address"),
        max_length=1000,  # with a name before it, as mail programs copy it
        widget=AddressInput({"autocomplete": "off", "autofocus": True, "maxlength": None}),
        error_messages={"required": _("Enter an email address.")},
    )
    make_administrator = forms.BooleanField(
        label=_("Make this user the customer's administrator"), required=False
    )

    def __init__(self, subscriber: Subscriber, data: Any = None) -> None:
        super().__init__(subscriber, data)
        self.first_in_line = _who_is_first(subscriber)
        if self.first_in_line is None:
            del self.fields["make_administrator"]

    def first(self, subscriber: Subscriber) -> dict[str, Any]:
        return {"email": shown(subscriber.email)}

    def run(self, *, actor: Actor, now: datetime) -> Job:
        return user_services.retry_activation(
            self.subscriber,
            email=self.cleaned_data["email"],
            actor=actor,
            now=now,
            make_administrator=self.cleaned_data.get("make_administrator", False),
            submission_id=self.cleaned_data["submission_id"],
        )


def _who_is_first(subscriber: Subscriber) -> Subscriber | None:
    """Who must be active before this user (*provision admin first*); None: nobody."""
    if not subscriber.template.provision_admin_first:
        return None
    first = selectors.first_in_line(subscriber.template, subscriber.enterprise_id)
    return None if first is None or first.pk == subscriber.pk else first


class PackageForm(ActionForm):
    """Change the package."""

    template = "package.html"
    package = forms.ChoiceField(
        label=_("Package type"),
        choices=Package.choices,
        widget=ChoiceCards(hints=PACKAGE_HINTS),
        error_messages={"required": PACKAGE_MISSING, "invalid_choice": PACKAGE_MISSING},
    )

    def __init__(self, subscriber: Subscriber, data: Any = None) -> None:
        super().__init__(subscriber, data)
        tags = {subscriber.template.default_package: _("Default of the template")}
        self.fields["package"].widget.tags = tags | {subscriber.package: _("Has it now")}

    def first(self, subscriber: Subscriber) -> dict[str, Any]:
        return {"package": subscriber.package}

    def run(self, *, actor: Actor, now: datetime) -> Job:
        return user_services.change_package(
            self.subscriber,
            package=self.cleaned_data["package"],
            actor=actor,
            now=now,
            submission_id=self.cleaned_data["submission_id"],
        )


class DeleteForm(ActionForm):
    """Remove the user at Webex."""

    template = "delete.html"

    def run(self, *, actor: Actor, now: datetime) -> Job:
        return user_services.delete_user(
            self.subscriber,
            actor=actor,
            now=now,
            submission_id=self.cleaned_data["submission_id"],
        )
