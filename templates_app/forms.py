"""The form of an onboarding template: one form in sections, for new and old ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.forms import ChoiceCards, SwitchInput
from common.names import NameFormField
from templates_app.countries import COUNTRIES, LANGUAGES
from templates_app.models import OnboardingTemplate, Package
from templates_app.services import TemplateSettings

VERIFICATION = [("untrusted", _("Untrusted emails")), ("trusted", _("Trusted emails"))]
VERIFICATION_HINTS = {
    "untrusted": _("Users prove their own address in the activation portal."),
    "trusted": _("BroadWorks vouches for the addresses. Users do nothing; the portal is closed."),
}
PACKAGE_HINTS: dict[str, Any] = {
    Package.SOFTPHONE: _("Calling only."),
    Package.BASIC: _("Calling and messages."),
    Package.STANDARD: _("Also a personal meeting room."),
    Package.PREMIUM: _("Also larger meetings."),
}


class TemplateForm(forms.Form):
    """All settings of a template that a person decides.

    `updated_at` carries the time of the row that was shown, so that a save over somebody else's
    is noticed; what was typed stays in the form.
    """

    name = NameFormField(
        label=_("Template name"),
        max_length=100,
        error_messages={"required": _("Enter a name.")},
    )
    provisioning_id = forms.CharField(
        label=_("Provisioning ID"),
        max_length=2000,
        help_text=_("From the template in Webex. Spaces and line breaks are taken out."),
        error_messages={"required": _("Paste the provisioning ID from Webex.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    country = forms.ChoiceField(label=_("Country or region"), choices=COUNTRIES)
    language = forms.ChoiceField(label=_("Default email language"), choices=LANGUAGES)
    enterprise_mode = forms.BooleanField(
        label=_("BroadWorks enterprise mode"),
        required=False,
        widget=SwitchInput,
        help_text=_("On for enterprises, off for groups of a service provider."),
    )
    default_package = forms.ChoiceField(
        label=_("Default package"),
        choices=Package.choices,
        widget=ChoiceCards(hints=PACKAGE_HINTS),
    )
    verification = forms.ChoiceField(
        label=_("User verification"),
        choices=VERIFICATION,
        widget=ChoiceCards(hints=VERIFICATION_HINTS),
    )
    allow_self_activation = forms.BooleanField(
        label=_("Allow users to self activate"),
        required=False,
        widget=SwitchInput,
        help_text=_("Users whom Webex does not know yet are created from BroadWorks."),
    )
    provision_admin_first = forms.BooleanField(
        label=_("Provision admin first"),
        required=False,
        widget=SwitchInput,
        help_text=_("Nobody else of a customer can finish before the first user is active."),
    )
    share_link = forms.CharField(
        label=_("Share link"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    use_activation_link = forms.BooleanField(
        label=_("Use the activation link as the share link"), required=False
    )
    updated_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, template: OnboardingTemplate | None = None) -> None:
        super().__init__(data, initial=initial_of(template))
        self.template = template
        self._keep_unlisted("country", template.country if template else "")
        self._keep_unlisted("language", template.language if template else "")
        self.fields["share_link"].help_text = (
            _("What you hand out. This template's activation link is %(link)s")
            % {"link": template.activation_link}
            if template
            else _("What you hand out. Empty: the activation link of the new template.")
        )
        if template is None or template.share_link == template.activation_link:
            del self.fields["use_activation_link"]
        if self.is_id_fixed:
            del self.fields["provisioning_id"]

    @cached_property
    def is_id_fixed(self) -> bool:
        """Users came with this provisioning ID: it can no longer be changed."""
        return bool(self.template and self.template.subscribers.exists())

    def clean_provisioning_id(self) -> str:
        """Take out what pasting brings along: spaces, line breaks, invisible characters."""
        text = "".join(c for c in self.cleaned_data["provisioning_id"] if c.isprintable())
        text = "".join(text.split())
        if not text:
            raise forms.ValidationError(_("Paste the provisioning ID from Webex."))
        if len(text) > 300:
            raise forms.ValidationError(_("This is too long for a provisioning ID."))
        return text

    def clean_share_link(self) -> str:
        """Only an https or http link with a host can be handed out."""
        link = str(self.cleaned_data["share_link"])
        if self.template and self.data.get("use_activation_link"):
            return self.template.activation_link
        if link and not _is_web_link(link):
            raise forms.ValidationError(_("Enter a whole link, beginning with https://."))
        return link

    def settings(self) -> TemplateSettings:
        """What was decided, cleaned."""
        data = self.cleaned_data
        same = self.template.provisioning_id if self.template else ""
        names = "name country language enterprise_mode default_package share_link"
        names += " allow_self_activation provision_admin_first"
        return TemplateSettings(
            provisioning_id=data.get("provisioning_id", same),
            untrusted_emails=data["verification"] == "untrusted",
            **{name: data[name] for name in names.split()},
        )

    def seen_at(self) -> datetime | None:
        """When the row that was shown had last been saved."""
        try:
            return parse_datetime(self.cleaned_data.get("updated_at", ""))
        except ValueError:
            return None

    def differences(self) -> list[tuple[str, str]]:
        """The fields in which the form differs from the row: label, and the row's value."""
        now_saved = initial_of(self.template)
        return [
            (str(field.label), _words(field, now_saved[name]))
            for name, field in self.fields.items()
            if name in now_saved
            and name != "updated_at"
            and self.cleaned_data.get(name) != now_saved[name]
        ]

    def _keep_unlisted(self, name: str, value: str) -> None:
        """A value that is not offered, as from the seed or the admin, stays choosable."""
        choices = list(self.fields[name].choices)  # type: ignore[attr-defined]
        if value and value not in dict(choices):
            self.fields[name].choices = [*choices, (value, value)]  # type: ignore[attr-defined]


def initial_of(template: OnboardingTemplate | None) -> dict[str, Any]:
    """The form as the row is now; for a new one the recommended settings."""
    row = template or OnboardingTemplate()
    initial = row.settings_for_audit()
    initial["verification"] = "untrusted" if initial.pop("untrusted_emails") else "trusted"
    if template:
        initial["updated_at"] = template.updated_at.isoformat()
    return initial


def _words(field: forms.Field, value: Any) -> str:
    """A field's value as a person reads it."""
    if isinstance(field, forms.BooleanField):
        return gettext("On") if value else gettext("Off")
    return str(dict(getattr(field, "choices", ())).get(value, value) or gettext("empty"))


def _is_web_link(link: str) -> bool:
    try:
        parts = urlsplit(link)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in link
    except ValueError:
        return False
