"""Forms of signing in: django-allauth's, with our labels and hints."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import password_links
from common.addresses import BadAddress, normalise
from common.forms import AddressInput


def _relabel(form: forms.Form, **labels: Any) -> None:
    """Give fields our labels; placeholders go, because a label that vanishes is none."""
    for name, label in labels.items():
        if name in form.fields:
            form.fields[name].label = label
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


def _email_field(**attrs: Any) -> forms.CharField:
    """In place of allauth's, which refuses what a pasted address has around it."""
    return forms.CharField(
        label=_("Email address"),
        max_length=1000,
        widget=AddressInput({"maxlength": None, **attrs}),
        error_messages={"required": _("Enter your email address.")},
    )


def one_form(address: str) -> str:
    """The address as accounts keep it."""
    try:
        return normalise(address).lower()
    except BadAddress as bad:
        raise forms.ValidationError(str(bad)) from bad


class SignInForm(allauth_forms.LoginForm):  # type: ignore[misc]
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(
            self,
            password=_("Password"),
            remember=_("Keep me signed in on this computer"),
        )
        self.fields["login"] = _email_field(autocomplete="username", autofocus=True)
        # allauth puts a link into the hint; the page has its own beside the label.
        self.fields["password"].help_text = ""
        self.fields["password"].error_messages["required"] = _("Enter your password.")

    def clean_login(self) -> str:
        return one_form(super().clean_login())


class ForgottenPasswordForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    """The address to which the link for a new password is sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = _email_field(autocomplete="email")

    def clean_email(self) -> str:
        """Look nobody up: the answer is the same for all."""
        return one_form(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        with transaction.atomic():
            password_links.ask(self.cleaned_data["email"])
        return str(self.cleaned_data["email"])


class NewPasswordForm(allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, reached by the link in the mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, password1=_("New password"), password2=_("New password again"))


class ChangePasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """A new password for someone who is signed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(
            self,
            oldpassword=_("Present password"),
            password1=_("New password"),
            password2=_("New password again"),
        )
        self.fields["oldpassword"].help_text = ""
