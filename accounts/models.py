"""Partners, their people, their connection to the backend, and the audit log."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts import secrets
from accounts.rights import Right, Role, may
from common.addresses import shown
from common.names import NameField

ACCENTS = ["petrol", "fjord", "spruce", "moss", "ochre", "clay", "berry", "slate"]


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of a partner. Views start every query with `visible_to`, nothing else (S1)."""

    def visible_to(self, user: Any) -> Self:
        """Only the user's own partner's rows; none for people without a partner."""
        if not may(user, Right.SEE):
            return self.none()
        return self.filter(partner_id=user.partner_id)


class Partner(models.Model):
    """A service provider: the tenant everything belongs to."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = NameField(_("name"), max_length=100, unique=True)
    accent = models.CharField(
        _("accent"), max_length=10, default="petrol", choices=[(a, a) for a in ACCENTS]
    )
    logo = models.BinaryField(_("logo"), null=True, blank=True, editable=False)
    logo_type = models.CharField(max_length=20, blank=True, editable=False)
    support_text = NameField(
        _("support contact"), max_length=200, blank=True, help_text=_("Whom end users may ask.")
    )
    support_phone = models.CharField(_("support phone"), max_length=40, blank=True)
    support_url = models.URLField(_("support page"), blank=True)
    password_reset_url = models.URLField(
        _("password reset page"), blank=True, help_text=_("Where users reset BroadWorks passwords.")
    )
    terms_url = models.URLField(_("terms of service"), blank=True)
    privacy_url = models.URLField(_("privacy statement"), blank=True)
    mail_sender_name = NameField(_("mail sender name"), max_length=100, blank=True)
    mail_reply_to = models.EmailField(_("mail Reply-To"), blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("partner")
        verbose_name_plural = _("partners")

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """People are made by a full administrator, by operations or by the seed; never by sign-up."""

    def visible_to(self, user: Any) -> models.QuerySet[User]:
        """The administrators of the user's own partner; none for people without a partner."""
        if not may(user, Right.SEE):
            return self.none()
        return self.filter(partner_id=user.partner_id)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person; without a password the person must use "Forgot it?" first."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make an operations account with all rights in Django admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who signs in: an administrator of a partner, or operations (`is_staff`)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    name = NameField(_("name"), max_length=100, blank=True)
    partner = models.ForeignKey(
        Partner,
        verbose_name=_("partner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="people",
    )
    role = models.CharField(_("role"), max_length=20, blank=True, choices=Role.choices)
    language = models.CharField(
        _("language"),
        max_length=5,
        blank=True,
        choices=[("en", "English"), ("da", "Dansk")],
        help_text=_("Empty: the browser decides."),
    )
    is_staff = models.BooleanField(_("operations"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("Somebody has this email address already."),
            ),
            models.CheckConstraint(
                name="user_partner_or_staff",
                condition=models.Q(partner=None) | models.Q(is_staff=False),
                violation_error_message=_("Operations people belong to no partner."),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return self.name or shown(self.email)

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """A new role, like a new password, ends the sessions that began with the old one."""
        salt = "accounts.User.session"
        value = f"{self.password}:{self.role}"
        return salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def may_act(self) -> bool:
        """May run row actions."""
        return may(self, Right.ACT)

    @property
    def may_manage(self) -> bool:
        """May change templates and people and cancel others' jobs."""
        return may(self, Right.MANAGE)


class RetryBy(models.TextChoices):
    """How Retry activation is sent; the public API documents neither (domain.md 4.1)."""

    POST = "post", _("Repeat the POST")
    DELETE_THEN_POST = "delete_then_post", _("DELETE, then POST")


class PasswordEncoding(models.TextChoices):
    """What BroadWorks reads the bytes of a login as (its server's `authenticationEncoding`)."""

    UTF_8 = "utf-8", _("UTF-8")
    LATIN_1 = "iso-8859-1", _("ISO-8859-1 (Latin-1)")


class Health(models.TextChoices):
    """How a connection is doing."""

    UNKNOWN = "unknown", _("Not tried yet")
    OK = "ok", _("Working")
    DEGRADED = "degraded", _("In trouble")
    HELD = "held", _("Held: the token is refused")


class BackendConnection(models.Model):
    """A partner's way to Webex and BroadWorks, with the gate that all workers obey."""

    partner = models.OneToOneField(Partner, on_delete=models.PROTECT, related_name="connection")
    api_base_url = models.URLField(
        _("API base URL"), default="https://webexapis.com/v1", max_length=300
    )
    xsi_base_url = models.URLField(_("Xsi-Actions URL"), max_length=300)
    password_encoding = models.CharField(
        _("encoding of BroadWorks passwords"),
        max_length=12,
        choices=PasswordEncoding.choices,
        default=PasswordEncoding.UTF_8,
        help_text=_(
            "As the BroadWorks server’s authenticationEncoding. With another one it refuses right "
            "passwords that hold æ, ø or å."
        ),
    )
    token_sealed = models.TextField(blank=True, editable=False)
    token_last4 = models.CharField(max_length=4, blank=True, editable=False)
    retry_by = models.CharField(
        _("retry by"), max_length=20, choices=RetryBy.choices, default=RetryBy.POST
    )
    requests_per_minute = models.PositiveIntegerField(_("requests a minute"), default=300)
    max_in_flight = models.PositiveIntegerField(_("requests at once"), default=4)

    # Sync: the newest lastStatusChange seen (backend clock) of each provisioning ID, our last end.
    watermarks = models.JSONField(default=dict, blank=True, editable=False)
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    full_pass_started_at = models.DateTimeField(null=True, blank=True, editable=False)
    full_pass_template_id = models.BigIntegerField(null=True, blank=True, editable=False)
    full_pass_done_at = models.DateTimeField(null=True, blank=True, editable=False)
    full_pass_not_before = models.DateTimeField(null=True, blank=True, editable=False)

    health = models.CharField(
        max_length=10, choices=Health.choices, default=Health.UNKNOWN, editable=False
    )
    health_text = models.CharField(max_length=300, blank=True, editable=False)
    health_at = models.DateTimeField(null=True, blank=True, editable=False)
    answer_ms = models.PositiveIntegerField(null=True, blank=True, editable=False)

    # The gate: nothing is sent before this time (429 Retry-After, outage back-off).
    not_before = models.DateTimeField(null=True, blank=True, editable=False)
    gate_reason = models.CharField(max_length=200, blank=True, editable=False)
    # The rate: when the requests sent so far are paid for (a leaky bucket, provisioning.gate).
    paid_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The breaker: how often in a row it opened, and what it counts while it is closed.
    trips = models.PositiveSmallIntegerField(default=0, editable=False)
    unreachable = models.PositiveSmallIntegerField(default=0, editable=False)
    forbidden = models.PositiveSmallIntegerField(default=0, editable=False)
    window_at = models.DateTimeField(null=True, blank=True, editable=False)
    window_calls = models.PositiveIntegerField(default=0, editable=False)
    window_unclear = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("backend connection")
        verbose_name_plural = _("backend connections")

    def __str__(self) -> str:
        return f"{self.partner}"

    @property
    def token(self) -> str:
        """The bearer token in clear, for the client only.

        Raises:
            secrets.Unsealable: the key that sealed it is not configured here.
        """
        return secrets.unseal(self.token_sealed, owner=f"connection:{self.pk}")

    def set_token(self, token: str) -> None:
        """Seal a new token for this row (AES-256-GCM, bound to the row); the row must be saved."""
        self.token_sealed = secrets.seal(token, owner=f"connection:{self.pk}")
        self.token_last4 = token[-4:]


class AuditEvent(models.Model):
    """Who did what to what, from where. Append-only: a trigger refuses UPDATE and DELETE.

    People and objects are kept by label, not only by key, so that the row outlives them.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    partner = models.ForeignKey(
        Partner, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    actor = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=300)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit log")
        indexes = [models.Index(fields=["object_type", "object_id"])]

    def __str__(self) -> str:
        return f"{self.actor_label}: {self.action} {self.object_label}"


def connection_of(user: User) -> BackendConnection | None:
    """The way of the person's partner to Webex, when one is set up."""
    found: BackendConnection | None = getattr(user.partner, "connection", None)
    return found
