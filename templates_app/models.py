"""Onboarding templates: how a customer's users come to Webex."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Partner, TenantQuerySet
from common.names import NameField


class Package(models.TextChoices):
    """Webex for BroadWorks packages, in the API's words (domain.md 5)."""

    SOFTPHONE = "softphone", _("Softphone")
    BASIC = "basic", _("Basic")
    STANDARD = "standard", _("Standard")
    PREMIUM = "premium", _("Premium")


class IdCheck(models.TextChoices):
    """What Webex last said of the provisioning ID."""

    KNOWN = "known", _("Webex knows it")
    UNKNOWN = "unknown", _("Webex does not know it")
    UNCHECKED = "unchecked", _("Not checked yet")


def new_activation_key() -> str:
    """A random key of 128 bits for an activation link (S19)."""
    return secrets.token_urlsafe(16)


class OnboardingTemplate(models.Model):
    """One template.

    The three verification settings are ours to enforce: Webex knows only the provisioning ID,
    the token and the region (DESIGN section 4).
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="templates")
    name = NameField(_("template name"), max_length=100)
    provisioning_id = models.CharField(_("provisioning ID"), max_length=300)
    country = models.CharField(_("country or region"), max_length=2, default="DK")
    language = models.CharField(_("default email language"), max_length=10, default="en")
    enterprise_mode = models.BooleanField(_("BroadWorks enterprise mode"), default=True)
    default_package = models.CharField(
        _("default package"), max_length=10, choices=Package.choices, default=Package.STANDARD
    )
    untrusted_emails = models.BooleanField(_("untrusted emails"), default=True)
    share_link = models.CharField(_("share link"), max_length=500, blank=True)
    activation_key = models.CharField(max_length=40, unique=True, default=new_activation_key)
    allow_self_activation = models.BooleanField(_("allow users to self activate"), default=False)
    provision_admin_first = models.BooleanField(_("provision admin first"), default=False)
    id_check = models.CharField(
        max_length=10, choices=IdCheck.choices, default=IdCheck.UNCHECKED, editable=False
    )
    id_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("onboarding template")
        verbose_name_plural = _("onboarding templates")
        constraints = [
            models.UniqueConstraint(
                "partner",
                Lower("name"),
                name="template_name_unique",
                violation_error_message=_("You have a template with this name."),
            ),
            models.UniqueConstraint(
                fields=["partner", "provisioning_id"],
                name="template_provisioning_id_unique",
                violation_error_message=_("Another template has this provisioning ID."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("userstatus:template", args=[self.uuid])

    @property
    def activation_link(self) -> str:
        """The portal's URL for this template; made from PUBLIC_URL, never from a Host header."""
        return f"{settings.PUBLIC_URL}" + reverse(
            "activation_portal:sign_in", args=[self.activation_key]
        )

    def settings_for_audit(self) -> dict[str, Any]:
        names = [
            "name provisioning_id country language enterprise_mode default_package",
            "untrusted_emails share_link allow_self_activation provision_admin_first",
        ]
        return {name: getattr(self, name) for name in " ".join(names).split()}
