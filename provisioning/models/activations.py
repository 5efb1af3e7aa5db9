"""Runs of the activation portal, and the mails that they send."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Partner, TenantQuerySet
from provisioning.models.subscribers import Subscriber
from provisioning.states import ActivationState, MailState
from templates_app.models import OnboardingTemplate


class Activation(models.Model):
    """One run of the activation portal, from the right password to the account.

    Mail token and code are kept only as SHA-256; the password is nowhere.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="activations")
    template = models.ForeignKey(
        OnboardingTemplate, on_delete=models.PROTECT, related_name="activations"
    )
    subscriber = models.ForeignKey(
        Subscriber, null=True, blank=True, on_delete=models.SET_NULL, related_name="activations"
    )
    broadworks_id = models.CharField(max_length=200)
    enterprise_id = models.CharField(max_length=200, blank=True)
    #: What BroadWorks told at sign-in: first_name, last_name, number, extension, mobile.
    profile = models.JSONField(default=dict)
    package = models.CharField(max_length=40, blank=True)
    email = models.CharField(max_length=320, blank=True)
    language = models.CharField(max_length=5, default="en")
    state = models.CharField(
        max_length=12, choices=ActivationState.choices, default=ActivationState.SIGNED_IN
    )
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    code_hash = models.CharField(max_length=64, blank=True)
    code_expires_at = models.DateTimeField(null=True, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_text = models.TextField(blank=True)
    error_tracking_id = models.CharField(max_length=100, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["template", "broadworks_id", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.broadworks_id} ({self.state})"


class Mail(models.Model):
    """A mail that must go out: accepted in a transaction, sent by a worker.

    One with a link to set a password belongs to no run: whose address it is, if anybody's, is
    looked up when it is sent, so that the page that asks for it can't tell.
    """

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", _("Confirm email address")
        READY = "ready", _("Your Webex account is ready")
        PASSWORD = "password", _("Link to set a password")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    activation = models.ForeignKey(
        Activation, null=True, blank=True, on_delete=models.CASCADE, related_name="mails"
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    to = models.CharField(max_length=320)
    #: Of the page where a password was asked for; a run's mails are in the run's language.
    language = models.CharField(max_length=5, blank=True)
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    #: The intent: from then on the mail server may have the mail.
    handed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=Q(state__in=["queued", "sending"]),
                name="mail_due",
            ),
            models.Index(
                fields=["to", "-created_at"],
                condition=Q(purpose="password"),
                name="mail_password",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="mail_of_a_run",
                condition=Q(purpose="password", activation=None)
                | (~Q(purpose="password") & Q(activation__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} ({self.state})"


class MailboxMessage(models.Model):
    """A mail kept for /dev/mailbox/; written only in the embedded default."""

    to = models.CharField(max_length=320)
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.subject
