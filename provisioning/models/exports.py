"""Lists on their way to a file, and the signs of life of our processes."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.models import Partner, TenantQuerySet, User
from provisioning.states import ExportFormat, ExportState
from templates_app.models import OnboardingTemplate


class Export(models.Model):
    """A list on its way to a file: owned, audited, gone after 24 hours, never partial."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="exports")
    template = models.ForeignKey(
        OnboardingTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    #: The screen's filters as a query string, so that file and screen can be compared.
    query = models.TextField(blank=True)
    #: Ids of the users that were ticked, frozen at the click: the filters then only say where.
    #: None for all that match the filters but those left out.
    ticked = ArrayField(models.BigIntegerField(), null=True, blank=True, editable=False)
    left_out = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    format = models.CharField(max_length=4, choices=ExportFormat.choices, default=ExportFormat.CSV)
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.QUEUED)
    file_name = models.CharField(max_length=200, blank=True)
    #: How many users there are to write; None until they are counted.
    total = models.PositiveIntegerField(null=True, blank=True)
    rows = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    #: When the present writer began.
    writing_at = models.DateTimeField(null=True, blank=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name or str(self.uuid)

    def get_absolute_url(self) -> str:
        return reverse("userstatus:export", args=[self.uuid])


class Heartbeat(models.Model):
    """When a kind of process last did its work, as seen in the database."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
