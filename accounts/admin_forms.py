"""Forms of Django admin about partners and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Partner, User
from common.addresses import BadAddress, normalise
from common.forms import AddressInput

if TYPE_CHECKING:
    PartnerModelForm = forms.ModelForm[Partner]
    UserModelForm = forms.ModelForm[User]
else:
    PartnerModelForm = UserModelForm = forms.ModelForm

LOGO_BYTES = 64 * 1024


def _one_form(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress as error:
        raise forms.ValidationError(str(error)) from None


class PartnerForm(PartnerModelForm):
    """A partner, with its logo as a file that is judged by its first bytes, not by its name."""

    logo_file = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        help_text=gettext_lazy("PNG, JPEG or WebP, at most 64 kB. It stands above the portal."),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)

    class Meta:
        model = Partner
        fields = [
            "name",
            "accent",
            "support_text",
            "support_phone",
            "support_url",
            "password_reset_url",
            "terms_url",
            "privacy_url",
            "mail_sender_name",
            "mail_reply_to",
        ]
        field_classes = {"mail_reply_to": forms.CharField}
        widgets = {"mail_reply_to": AddressInput({"class": "vTextField"})}

    def clean_mail_reply_to(self) -> str:
        typed = self.cleaned_data["mail_reply_to"]
        return _one_form(typed) if typed else ""

    def clean_logo_file(self) -> UploadedFile[bytes] | None:
        """Keep the picture's bytes and type."""
        upload: UploadedFile[bytes] | None = self.cleaned_data["logo_file"]
        if upload is None:
            return None
        if (upload.size or 0) > LOGO_BYTES:
            raise forms.ValidationError(_("The file is larger than 64 kB."))
        self.picture = upload.read()
        if not picture_type(self.picture):
            raise forms.ValidationError(_("This is not a PNG, JPEG or WebP picture."))
        return upload

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["remove_logo"]:
            self.instance.logo, self.instance.logo_type = None, ""
        elif self.cleaned_data["logo_file"]:
            self.instance.logo = self.picture
            self.instance.logo_type = picture_type(self.picture)
        return super().save(commit)


def picture_type(content: bytes) -> str:
    """The media type that the first bytes tell, "" for anything but PNG, JPEG and WebP."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return ""


class PersonForm(UserModelForm):
    """Somebody who signs in; the password is theirs alone and never typed here."""

    #: Who fills the form in; set by the admin page.
    operator: User

    class Meta:
        model = User
        fields = ["email", "name", "partner", "role", "language", "is_staff", "is_active"]
        field_classes = {"email": forms.CharField}
        widgets = {"email": AddressInput({"class": "vTextField"})}

    def clean_email(self) -> str:
        return _one_form(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        """A partner's administrator has a role, operations have none; nobody locks himself out."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("partner") and not data.get("role"):
            self.add_error("role", _("Choose what the person may do at the partner."))
        if data.get("role") and not data.get("partner"):
            self.add_error("partner", _("Choose the partner, or take the role away."))
        own = self.instance.pk == self.operator.pk
        if own and not (data.get("is_staff") and data.get("is_active")):
            self.add_error(None, _("You cannot take your own access away. Ask a colleague."))
        return data
