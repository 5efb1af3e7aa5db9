"""The form of a partner's connection to Webex and BroadWorks: the token goes in, never out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import secrets
from accounts.models import BackendConnection
from common.http_guard import UrlRefused, check_backend_url

if TYPE_CHECKING:
    ConnectionModelForm = forms.ModelForm[BackendConnection]
else:
    ConnectionModelForm = forms.ModelForm

_REASONS = {
    "malformed": gettext_lazy("This is not a whole address. Enter one like https://host/path."),
    "scheme": gettext_lazy(
        "Only https is allowed. (http only for hosts that the setting BACKEND_HOSTS names.)"
    ),
    "credentials": gettext_lazy("Leave user name and password out of the address."),
    "query": gettext_lazy("Leave out what stands after ? or #."),
    "private": gettext_lazy(
        "This address is private. Name its host in the setting BACKEND_HOSTS to allow it."
    ),
}
_URLS = ("api_base_url", "xsi_base_url")


class ConnectionForm(ConnectionModelForm):
    """Addresses, token and limits of a connection.

    The token field is always empty: what is typed replaces the old token, nothing keeps it.
    Addresses are judged by the same rule as every call (common.http_guard), not by Django's.
    """

    token = forms.CharField(
        label=gettext_lazy("Token"),
        required=False,
        max_length=4000,
        widget=forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "new-password", "class": "vLargeTextField"}
        ),
    )

    class Meta:
        model = BackendConnection
        fields = [
            "partner",
            "api_base_url",
            "xsi_base_url",
            "password_encoding",
            "retry_by",
            "requests_per_minute",
            "max_in_flight",
        ]
        field_classes = dict.fromkeys(_URLS, forms.CharField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["partner"].disabled = bool(self.instance.pk)
        last4 = self.instance.token_last4
        self.fields["token"].required = not last4
        self.fields["token"].help_text = (
            _("The one in use ends in %(last4)s. Leave this empty to keep it.") % {"last4": last4}
            if last4
            else _("The bearer token for the Webex API. It is kept encrypted and never shown.")
        )
        for name in ("requests_per_minute", "max_in_flight"):
            self.fields[name].min_value = 1  # type: ignore[attr-defined]
            self.fields[name].widget.attrs["min"] = 1

    def clean_api_base_url(self) -> str:
        return _checked(self.cleaned_data["api_base_url"])

    def clean_xsi_base_url(self) -> str:
        return _checked(self.cleaned_data["xsi_base_url"])

    def clean_token(self) -> str:
        """Without the white space that pasting brings; only what an HTTP header can carry."""
        token = str(self.cleaned_data["token"]).strip()
        if token and (len(token) < 16 or not token.isascii() or not token.isprintable()):
            raise forms.ValidationError(_("This is not a token. Copy it from Webex once more."))
        if " " in token:
            raise forms.ValidationError(_("A token has no spaces. Copy it without “Bearer”."))
        if token:
            _check_keys()
        return token

    def clean_requests_per_minute(self) -> int:
        return _at_least_one(self.cleaned_data["requests_per_minute"])

    def clean_max_in_flight(self) -> int:
        return _at_least_one(self.cleaned_data["max_in_flight"])

    def _get_validation_exclusions(self) -> set[str]:
        """Django's URL validator knows no host without a dot, as in docker-compose."""
        named: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return named | set(_URLS)

    @property
    def is_other_backend(self) -> bool:
        """True when the API is reached at another address than before."""
        return "api_base_url" in self.changed_data


def _checked(url: str) -> str:
    try:
        return check_backend_url(str(url).strip(), trusted_hosts=settings.BACKEND_HOSTS)
    except UrlRefused as refused:
        raise forms.ValidationError(str(_REASONS[refused.reason]), code=refused.reason) from None


def _at_least_one(number: int) -> int:
    if number < 1:
        raise forms.ValidationError(_("Enter 1 or more, or nothing would ever be sent."))
    return number


def _check_keys() -> None:
    try:
        secrets.seal("probe", owner="probe")
    except (ImproperlyConfigured, ValueError):
        message = _("No key to encrypt the token with: the setting TOKEN_KEYS is missing or wrong.")
        raise forms.ValidationError(message) from None
