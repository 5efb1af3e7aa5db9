"""The portal's forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_NO_AUTOCORRECT = {"autocapitalize": "none", "spellcheck": "false"}


class SignInForm(forms.Form):
    """The login of the phone line; the password is never shown back."""

    user_id = forms.CharField(
        label=_("BroadWorks user ID"),
        max_length=161,  # BroadWorks' own limit
        widget=forms.TextInput(_NO_AUTOCORRECT | {"autocomplete": "username"}),
        error_messages={"required": _("Enter your BroadWorks user ID.")},
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password.")},
    )
    #: An address typed before the session was lost, so that it need not be typed again.
    draft = forms.CharField(required=False, max_length=320, widget=forms.HiddenInput)


class AddressForm(forms.Form):
    """The address for Webex; `run` tells whose page it was when two users share a browser."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=320,
        widget=forms.EmailInput(
            _NO_AUTOCORRECT | {"autocomplete": "email", "inputmode": "email", "type": "email"}
        ),
        error_messages={"required": _("Enter an email address.")},
    )
    run = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, hint: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = hint


class CodeForm(forms.Form):
    """The code from the mail; spaces are ours to ignore."""

    code = forms.CharField(
        label=_("Six-digit code"),
        max_length=20,
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": "code-input",
                "maxlength": "7",
            }
        ),
        error_messages={"required": _("Enter the code from the mail.")},
    )
    run = forms.UUIDField(widget=forms.HiddenInput)
