"""What the dialogs of the bulk actions ask, and the one service call that they make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.audit import Actor
from common.forms import ChoiceCards
from common.templatetags.look import figure
from provisioning.bulk import services as bulk_services
from provisioning.models import JobBatch
from templates_app.models import Package
from userstatus.actions.forms import PACKAGE_HINTS, PACKAGE_MISSING
from userstatus.actions.signed_selection import Purpose, SignedSelection
from userstatus.actions.verdict import Verdict

#: From here on a delete asks for the number to be typed.
CONFIRM_ABOVE = 50


class BulkForm(forms.Form):
    """One action on many users; what it needs beyond the frozen users are its fields."""

    #: Template of the dialog, below `userstatus/users/`.
    template = ""
    frozen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, able: int, data: Any = None, *, frozen: str = "") -> None:
        super().__init__(data, initial={"frozen": frozen})
        self.able = able

    def show(self, verdict: Verdict) -> None:
        """Tell the fields what the verdict says."""

    @property
    def params(self) -> dict[str, Any]:
        """What is the same for all users."""
        return {}

    def run(
        self, purpose: Purpose, frozen: SignedSelection, *, actor: Actor, now: datetime
    ) -> JobBatch:
        """Do it; only after `is_valid`.

        Raises:
            ActionRefused, PermissionDenied: as provisioning.batches.accept says.
        """
        return bulk_services.accept(
            purpose.template,
            purpose.kind,
            frozen.ids,
            params=self.params,
            actor=actor,
            now=now,
            submission_id=frozen.submission_id,
            query=frozen.query,
        )


class BulkRetryForm(BulkForm):
    """Try the activations again, each with the address that the user has."""

    template = "bulk_retry.html"


class BulkDeleteForm(BulkForm):
    """Remove the users at Webex."""

    template = "bulk_delete.html"
    number = forms.CharField(
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric", "autofocus": True}),
    )

    def __init__(self, able: int, data: Any = None, *, frozen: str = "") -> None:
        super().__init__(able, data, frozen=frozen)
        if able <= CONFIRM_ABOVE:
            del self.fields["number"]
            return
        numbers = {"number": figure(able)}
        field = self.fields["number"]
        field.label = gettext("Type %(number)s to confirm") % numbers
        field.error_messages["required"] = (
            gettext("Type the number of users: %(number)s.") % numbers
        )

    def clean_number(self) -> str:
        """The number that the dialog showed, with any separators."""
        typed: str = self.cleaned_data["number"]
        if "".join(char for char in typed if char.isdecimal()) != str(self.able):
            words = gettext("That is not the number of users. Type %(number)s.")
            raise forms.ValidationError(words % {"number": figure(self.able)})
        return typed


class CountedCards(ChoiceCards):
    """Cards that say for how many users each choice changes something."""

    counts: Mapping[str, int] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["data-count"] = self.counts.get(str(value), 0)
        return option


class BulkPackageForm(BulkForm):
    """Change the package of all."""

    template = "bulk_package.html"
    package = forms.ChoiceField(
        label=_("Package type"),
        choices=Package.choices,
        widget=CountedCards(hints=PACKAGE_HINTS),
        error_messages={"required": PACKAGE_MISSING, "invalid_choice": PACKAGE_MISSING},
    )

    def show(self, verdict: Verdict) -> None:
        widget = self.fields["package"].widget
        widget.counts = verdict.packages
        widget.tags = {name: _changes(count) for name, count in verdict.packages.items()}

    @property
    def params(self) -> dict[str, Any]:
        return {"package": self.cleaned_data["package"]}


def _changes(count: int) -> str:
    if not count:
        return gettext("Nobody changes")
    words = ngettext("%(count)s user changes", "%(count)s users change", count)
    return words % {"count": figure(count)}
