"""The domain's tables. Rules that change rows live in services, projection, shown and leases."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BackendConnection, Partner, TenantQuerySet, User
from provisioning.states import (
    UNFINISHED,
    ActivationState,
    ExportState,
    JobKind,
    JobState,
    MailState,
    Status,
)
from templates_app.models import OnboardingTemplate, Package


class SubscriberQuerySet(TenantQuerySet):
    """Subscribers; deleted ones are kept and shown only by their own address."""

    def live(self) -> SubscriberQuerySet:
        """Those that are not deleted."""
        return self.filter(deleted_at=None)

    def failing(self) -> SubscriberQuerySet:
        """Live ones that show the status Error."""
        return self.live().filter(status=Status.ERROR)


class Subscriber(models.Model):
    """A projection of a Webex for BroadWorks subscriber.

    `backend_status` is only ever copied from an answer of the backend (projection.apply_answer).
    `status` and the shown error are derived by shown.derive and stored for filters.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="subscribers")
    connection = models.ForeignKey(BackendConnection, on_delete=models.PROTECT, related_name="+")
    template = models.ForeignKey(
        OnboardingTemplate, on_delete=models.PROTECT, related_name="subscribers"
    )
    #: Empty only between the DELETE and the POST of a retry that needs both.
    webex_id = models.CharField(_("Webex subscriber ID"), max_length=300, null=True, blank=True)
    person_id = models.CharField(_("Webex person ID"), max_length=300, blank=True)
    broadworks_id = models.CharField(_("BroadWorks ID"), max_length=200, db_index=True)
    enterprise_id = models.CharField(_("enterprise ID"), max_length=200, blank=True)
    first_name = models.CharField(_("first name"), max_length=200, blank=True)
    last_name = models.CharField(_("last name"), max_length=200, blank=True)
    email = models.CharField(_("email address"), max_length=320, blank=True)
    primary_phone = models.CharField(_("primary phone"), max_length=60, blank=True)
    mobile_phone = models.CharField(_("mobile phone"), max_length=60, blank=True)
    extension = models.CharField(_("extension"), max_length=40, blank=True)
    package = models.CharField(_("package type"), max_length=40, blank=True)
    self_activated = models.BooleanField(_("self-activated"), default=False)
    backend_status = models.CharField(max_length=60)
    #: lastStatusChange, on the backend's clock; compared only with other backend times.
    backend_changed_at = models.DateTimeField(null=True, blank=True)
    backend_created_at = models.DateTimeField(null=True, blank=True)
    #: When (our clock) the newest answer that showed the subscriber was asked for.
    seen_at = models.DateTimeField(default=timezone.now)

    status = models.CharField(_("status"), max_length=60, db_index=True)
    #: The three errors kept apart: {"code", "text", "tracking_id", "at"} or empty.
    backend_error = models.JSONField(default=dict, blank=True)
    job_error = models.JSONField(default=dict, blank=True)
    activation_error = models.JSONField(default=dict, blank=True)
    #: The newest of the three.
    error_code = models.CharField(_("error code"), max_length=40, blank=True)
    error_text = models.TextField(_("error text"), blank=True)
    error_tracking_id = models.CharField(max_length=100, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    last_change_at = models.DateTimeField(_("last change"), default=timezone.now)
    #: Counts what the screen shows of this row, jobs included; live pages ask by it.
    version = models.PositiveIntegerField(default=1)
    is_customer_administrator = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=200, blank=True)
    #: True when a person here deleted the user, who may then start over in the portal.
    deleted_here = models.BooleanField(default=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "webex_id"],
                condition=Q(deleted_at=None),
                name="subscriber_webex_id_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["template", "-last_change_at", "-id"],
                condition=Q(deleted_at=None),
                name="subscriber_template_page",
            ),
            models.Index(
                fields=["partner", "-last_change_at", "-id"],
                condition=Q(deleted_at=None),
                name="subscriber_partner_page",
            ),
            models.Index(fields=["connection", "webex_id"], name="subscriber_webex_id"),
        ]

    def __str__(self) -> str:
        return self.broadworks_id

    def get_absolute_url(self) -> str:
        return reverse("userstatus:user", args=[self.uuid])

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def package_label(self) -> str:
        """The package in the reader's language; an unknown one verbatim."""
        return str(dict(Package.choices).get(self.package, self.package))

    @property
    def status_label(self) -> str:
        """The status in the reader's language; an unknown one verbatim."""
        return str(dict(Status.choices).get(self.status, self.status))


class Cause(models.TextChoices):
    """Why a subscriber changed: where the answer or act came from."""

    SYNC = "sync", _("Seen at Webex")
    JOB = "job", _("Job")
    PORTAL = "portal", _("Activation portal")
    ADMINISTRATOR = "administrator", _("Administrator")


class StatusEvent(models.Model):
    """One change of a subscriber's status, error or package, with its cause: the timeline."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    cause = models.CharField(max_length=20, choices=Cause.choices)
    actor_label = models.CharField(max_length=200, blank=True)
    #: What happened: "arrived", "status", "error", "package", "deleted", "restored", "requested".
    what = models.CharField(max_length=20)
    before = models.CharField(max_length=320, blank=True)
    after = models.CharField(max_length=320, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    text = models.TextField(blank=True)
    tracking_id = models.CharField(max_length=100, blank=True)
    job = models.ForeignKey("Job", null=True, on_delete=models.SET_NULL, related_name="events")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["subscriber", "-at"])]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.what} {self.after}"


class JobQuerySet(TenantQuerySet):
    """Jobs."""

    def unfinished(self) -> JobQuerySet:
        """Those that are not final."""
        return self.filter(state__in=UNFINISHED)

    def due(self, now: datetime) -> JobQuerySet:
        """Unfinished, free of a lease and not held back.

        A lease that is over does not make a job due: the sweep must look first whether the dead
        worker sent something (leases.recover_expired).
        """
        return self.unfinished().filter(
            Q(not_before=None) | Q(not_before__lte=now), lease_until=None
        )


class Job(models.Model):
    """One accepted action: the outbox row, written in the transaction that accepts it.

    The worker's rights to it are the lease: every write of a worker carries `lease_token`.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="jobs")
    connection = models.ForeignKey(BackendConnection, on_delete=models.PROTECT, related_name="jobs")
    template = models.ForeignKey(OnboardingTemplate, on_delete=models.PROTECT, related_name="jobs")
    enterprise_id = models.CharField(max_length=200, blank=True)
    broadworks_id = models.CharField(max_length=200)
    subscriber = models.ForeignKey(
        Subscriber, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs"
    )
    activation = models.ForeignKey(
        "Activation", null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=JobKind.choices)
    params = models.JSONField(default=dict)
    state = models.CharField(
        _("state"), max_length=10, choices=JobState.choices, default=JobState.QUEUED
    )
    #: For a job of two steps: which one is next ("delete", "post", "put").
    step = models.CharField(max_length=10, blank=True)
    #: Requests that may have been processed; a refused connection, 401 or 429 is none.
    sends = models.PositiveSmallIntegerField(_("times sent"), default=0)
    #: Workers lost in a row.
    crashes = models.PositiveSmallIntegerField(default=0)
    #: Tries since the last progress: what the back-off grows with.
    polls = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
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
    submission_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

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
        ]
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=Q(state__in=sorted(UNFINISHED)),
                name="job_due",
            ),
            models.Index(fields=["subscriber", "-created_at"], name="job_of_subscriber"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.broadworks_id}"

    def get_absolute_url(self) -> str:
        return reverse("userstatus:job", args=[self.uuid])

    @property
    def is_unfinished(self) -> bool:
        """Not final yet."""
        return self.state in UNFINISHED


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
    """A mail that must go out: accepted in a transaction, sent by a worker."""

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", _("Confirm email address")
        READY = "ready", _("Your Webex account is ready")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    activation = models.ForeignKey(Activation, on_delete=models.CASCADE, related_name="mails")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    to = models.CharField(max_length=320)
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
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
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.QUEUED)
    file_name = models.CharField(max_length=200, blank=True)
    rows = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
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
