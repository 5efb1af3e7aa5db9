"""Forms about a partner's people, and about oneself."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.rights import Role
from common.addresses import BadAddress, normalise
from common.forms import AddressInput, ChoiceCards
from common.names import NameFormField

ROLE_HINTS: dict[str, Any] = {
    Role.FULL: _("May do everything, also templates and people."),
    Role.ADMIN: _("May repair users; looks at templates, jobs and people."),
    Role.READ_ONLY: _("May look, search and export."),
}


class PersonForm(forms.Form):
    """Name and role of an administrator."""

    name = NameFormField(
        label=_("Name"), max_length=100, error_messages={"required": _("Enter the name.")}
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=Role.choices, widget=ChoiceCards(hints=ROLE_HINTS)
    )


class ChangedPersonForm(PersonForm):
    """Name and role of somebody who is there, with the version that was shown."""

    version = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class NewPersonForm(PersonForm):
    """A new administrator."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=1000,
        widget=AddressInput,
        help_text=_("A link to set a password goes to this address."),
        error_messages={
            "required": _("Enter the email address."),
        },
    )
    #: The same for both halves of a double click.
    submission_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    field_order = ["name", "email", "role"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = Role.ADMIN
        self.fields["submission_id"].initial = uuid.uuid4
        self.fields["email"].widget.attrs |= {
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    def clean_email(self) -> str:
        try:
            return normalise(self.cleaned_data["email"]).lower()
        except BadAddress as error:
            raise forms.ValidationError(str(error)) from None


class AccountForm(forms.Form):
    """One's own name and language."""

    name = NameFormField(label=_("Name"), max_length=100, required=False)
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("As the browser says")), ("en", "English"), ("da", "Dansk")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["language"].widget.attrs["class"] = "input-short"
