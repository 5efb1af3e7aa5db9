"""Accepted actions: the outbox, one row each, and the batches that people start at once."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BackendConnection, Partner, TenantQuerySet, User
from provisioning.models.activations import Activation
from provisioning.models.subscribers import Subscriber
from provisioning.states import FINAL, UNFINISHED, JobKind, JobState
from templates_app.models import OnboardingTemplate


class JobBatch(models.Model):
    """One action on many users of a template: its jobs are its rows, their states its progress.

    The users were frozen when it was accepted. Users for whom nothing can be done have a job
    that was born cancelled, with the reason as its result code, so that a batch hides nothing.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="batches")
    connection = models.ForeignKey(BackendConnection, on_delete=models.PROTECT, related_name="+")
    template = models.ForeignKey(
        OnboardingTemplate, on_delete=models.PROTECT, related_name="batches"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=JobKind.choices)
    #: What is the same for all rows, such as {"package": "standard"}.
    params = models.JSONField(default=dict)
    #: The screen's filters as a query string, where its users came from; "" when they were ticked.
    query = models.TextField(blank=True)
    total = models.PositiveIntegerField(_("users"))
    #: The batch whose failed rows this one repeats.
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeats"
    )
    #: Until then any administrator of the partner may take the whole batch back.
    undo_until = models.DateTimeField(null=True, blank=True)
    #: The first few went well enough: the others were let go after them.
    released_at = models.DateTimeField(null=True, blank=True)
    #: The brake: since when it stands still, after how many, and the cause that they failed with.
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_code = models.CharField(max_length=40, blank=True)
    pause_text = models.TextField(blank=True)
    #: Tried anew since then: what failed before is not held against it.
    resumed_at = models.DateTimeField(null=True, blank=True)
    #: Who cancelled or undid it; empty when nobody did.
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=200, blank=True)
    requested_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="batches"
    )
    requested_label = models.CharField(max_length=200)
    submission_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    #: When the last of its jobs became final.
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "submission_id"],
                condition=Q(submission_id__isnull=False),
                name="batch_submission_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(finished_at=None), name="batch_unfinished"
            ),
            models.Index(fields=["partner", "-created_at", "-id"], name="batch_page"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.total})"

    def get_absolute_url(self) -> str:
        return reverse("userstatus:job", args=[self.uuid])


class JobQuerySet(TenantQuerySet):
    """Jobs."""

    def unfinished(self) -> JobQuerySet:
        """Those that are not final."""
        return self.filter(state__in=UNFINISHED)

    def due(self, now: datetime) -> JobQuerySet:
        """Unfinished, free of a lease, let go by their batch and not held back in time.

        A lease that is over does not make a job due: the sweep must look first whether the dead
        worker sent something (leases.recover).
        """
        return self.unfinished().filter(lease_until=None, held=False, not_before__lte=now)


class Job(models.Model):
    """One accepted action: the outbox row, written in the transaction that accepts it.

    The worker's rights to it are the lease: every write of a worker carries `lease_token`.
    Which changes of `state` are legal is states.TRANSITIONS; the database refuses all others.
    """

    class Priority(models.IntegerChoices):
        """Somebody waits for a single action; a batch has time."""

        SINGLE = 0
        BATCH = 1

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="jobs")
    connection = models.ForeignKey(
        BackendConnection, on_delete=models.PROTECT, related_name="jobs", db_index=False
    )
    template = models.ForeignKey(OnboardingTemplate, on_delete=models.PROTECT, related_name="jobs")
    enterprise_id = models.CharField(max_length=200, blank=True)
    broadworks_id = models.CharField(max_length=200)
    subscriber = models.ForeignKey(
        Subscriber,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="jobs",
        db_index=False,
    )
    activation = models.ForeignKey(
        Activation, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    batch = models.ForeignKey(
        JobBatch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="jobs",
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=12, choices=JobKind.choices)
    params = models.JSONField(default=dict)
    state = models.CharField(
        _("state"), max_length=10, choices=JobState.choices, default=JobState.QUEUED
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.SINGLE)
    #: For a job of two steps: which one is next ("delete", "post", "put").
    step = models.CharField(max_length=10, blank=True)
    #: Requests that may have been processed; a refused connection, 401 or 429 is none.
    sends = models.PositiveSmallIntegerField(_("times sent"), default=0)
    #: Workers lost in a row.
    crashes = models.PositiveSmallIntegerField(default=0)
    #: Tries since the last progress: what the back-off grows with.
    polls = models.PositiveSmallIntegerField(default=0)
    #: Not taken up before this time.
    not_before = models.DateTimeField(default=timezone.now)
    #: Its batch has not let it go, or stands still.
    held = models.BooleanField(default=False)
    #: A delete may be taken back until then by any administrator of the partner.
    undo_until = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    #: Kept after a lease is over: a clear answer that comes late is still the truth, until the
    #: next worker takes the job.
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    #: Number of the advisory lock that the worker holds as long as it lives.
    lease_owner = models.IntegerField(null=True, blank=True)
    #: Committed before the first byte of the step is sent; empty = this step was not sent yet.
    intent_at = models.DateTimeField(null=True, blank=True)
    intent_hash = models.CharField(max_length=64, blank=True)
    result_code = models.CharField(_("result code"), max_length=40, blank=True)
    result_text = models.TextField(_("result"), blank=True)
    tracking_id = models.CharField(max_length=100, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    requested_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    requested_label = models.CharField(max_length=200)
    #: Who cancelled or undid it; empty when nobody did.
    cancelled_by = models.CharField(max_length=200, blank=True)
    submission_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    #: The state in which this worker took the job; no column.
    taken_as: str = ""

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "template", "enterprise_id", "broadworks_id"],
                condition=Q(state__in=sorted(UNFINISHED)),
                name="job_one_unfinished_per_user",
            ),
            models.UniqueConstraint(
                fields=["partner", "submission_id"],
                condition=Q(submission_id__isnull=False),
                name="job_submission_unique",
            ),
            models.CheckConstraint(
                name="job_sending_has_intent",
                condition=~Q(state=JobState.SENDING)
                | Q(intent_at__isnull=False, lease_token__isnull=False),
            ),
            models.CheckConstraint(
                name="job_final_has_an_end",
                condition=Q(state__in=sorted(FINAL), finished_at__isnull=False)
                | Q(state__in=sorted(UNFINISHED), finished_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "priority", "not_before"],
                condition=Q(state__in=sorted(UNFINISHED), lease_until=None, held=False),
                name="job_due",
            ),
            models.Index(
                fields=["connection", "lease_until"],
                condition=Q(lease_until__isnull=False),
                name="job_leased",
            ),
            models.Index(
                fields=["deadline_at"],
                condition=Q(state__in=sorted(UNFINISHED)),
                name="job_overdue",
            ),
            models.Index(fields=["subscriber", "-created_at"], name="job_of_subscriber"),
            models.Index(
                fields=["partner", "-created_at", "-id"],
                condition=Q(batch=None),
                name="job_single_page",
            ),
            models.Index(
                fields=["batch", "-finished_at"],
                condition=Q(batch__isnull=False),
                name="job_of_batch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.broadworks_id}"

    def get_absolute_url(self) -> str:
        return reverse("userstatus:job", args=[self.uuid])

    @property
    def is_unfinished(self) -> bool:
        """Not final yet."""
        return self.state in UNFINISHED

    def can_be_undone(self, now: datetime) -> bool:
        """A delete within its time of grace."""
        return bool(
            self.state == JobState.QUEUED
            and not self.sends
            and self.undo_until
            and self.undo_until > now
        )


class JobEvent(models.Model):
    """One change of a job's state. Written by a trigger, whoever changed the job."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="history")
    at = models.DateTimeField()
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10, choices=JobState.choices)
    sends = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.before} to {self.after}"
