"""The portal's forms."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import AddressInput

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
    draft = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)


class AddressForm(forms.Form):
    """The address for Webex; `run` tells whose page it was when two users share a browser."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=1000,  # with a name before it, as mail programs copy it
        widget=AddressInput({"autocomplete": "email"}),
        error_messages={"required": _("Enter an email address.")},
    )
    run = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, hint: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = hint


class CodeForm(forms.Form):
    """The code from the mail, typed or pasted with whatever stood around it."""

    code = forms.CharField(
        label=_("Six-digit code"),
        max_length=1000,
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": "code-input",
                "maxlength": None,
            }
        ),
        error_messages={"required": _("Enter the code from the mail.")},
    )
    run = forms.UUIDField(widget=forms.HiddenInput)

    def clean_code(self) -> str:
        """The six digits; what has none, or two codes, is no try."""
        found = read_code(self.cleaned_data["code"])
        if found is None:
            raise forms.ValidationError(_("The code has six digits. It stands in the mail."))
        return found


def read_code(text: str) -> str | None:
    """The one code in a text, in any digits (Unicode category Nd), with or without gaps."""
    plain = "".join(_digit(char) for char in text if unicodedata.category(char) != "Cf")
    groups = set(_CODE.findall(plain))
    return re.sub(r"\D", "", groups.pop()) if len(groups) == 1 else None


_GAP = "[ \u00a0\u202f-]"
_SIX = rf"\d{{6}}|\d{{3}}{_GAP}\d{{3}}|\d\d{_GAP}\d\d{_GAP}\d\d|(?:\d{_GAP}){{5}}\d"
#: Six digits, as people group them, that are no part of a longer number, a word or a link.
_CODE = re.compile(rf"(?<![\w/-])(?<!\d{_GAP})(?:{_SIX})(?![\w/])(?!{_GAP}?\d)")


def _digit(char: str) -> str:
    return str(unicodedata.decimal(char, char))
