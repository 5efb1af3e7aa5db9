"""The form of an onboarding template in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from templates_app.countries import COUNTRIES, LANGUAGES
from templates_app.models import OnboardingTemplate

if TYPE_CHECKING:
    TemplateModelForm = forms.ModelForm[OnboardingTemplate]
else:
    TemplateModelForm = forms.ModelForm

_is_web_link = URLValidator(schemes=["https", "http"])


class OperationsTemplateForm(TemplateModelForm):
    """All settings of a template; what users depend on cannot be changed any more."""

    class Meta:
        model = OnboardingTemplate
        fields = [
            "partner",
            "name",
            "provisioning_id",
            "country",
            "language",
            "enterprise_mode",
            "default_package",
            "untrusted_emails",
            "share_link",
            "allow_self_activation",
            "provision_admin_first",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        self.fields["country"] = _choice(self.fields["country"], COUNTRIES, row.country)
        self.fields["language"] = _choice(self.fields["language"], LANGUAGES, row.language)
        self.fields["share_link"].help_text = _("Empty: the activation link.")
        if row.pk:
            # Disabled, not left out: the names that must be unique are judged with the partner.
            self.fields["partner"].disabled = True
        if row.pk and row.subscribers.exists():
            self.fields["provisioning_id"].disabled = True
            self.fields["provisioning_id"].help_text = _("Fixed, because users came with it.")

    def clean_provisioning_id(self) -> str:
        """Without the white space that pasting brings."""
        return "".join(str(self.cleaned_data["provisioning_id"]).split())

    def clean_share_link(self) -> str:
        link = str(self.cleaned_data["share_link"]).strip()
        if link and link != self.instance.activation_link:
            _is_web_link(link)
        return link or self.instance.activation_link


def _choice(field: Any, choices: list[tuple[str, Any]], present: str) -> forms.ChoiceField:
    """A choice that also offers the value of today, should it not be in the list."""
    known = present in dict(choices)
    offered = choices if known else [*choices, (present, present)]
    return forms.ChoiceField(label=field.label, choices=offered, initial=field.initial)
