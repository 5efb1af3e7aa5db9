"""The users as the backend holds them, and what happened to each."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BackendConnection, Partner, TenantQuerySet
from provisioning.states import Status
from templates_app.models import OnboardingTemplate, Package

#: Users without an error, and errors that Webex tells in words only, as error keys.
NO_ERROR, UNCODED = "none", "uncoded"
_ERROR_KEY = Case(
    When(~Q(error_code=""), then=F("error_code")),
    When(Q(status=Status.ERROR) | ~Q(error_text=""), then=Value(UNCODED)),
    default=Value(NO_ERROR),
)
_LIVE = Q(deleted_at=None)


def _list_index(name: str, *fields: str, condition: Q = _LIVE) -> models.Index:
    """Serve one filter or order of the lists: a template's live rows, in an order of their own."""
    return models.Index(
        fields=["template", *fields], condition=condition, name=f"subscriber_{name}"
    )


class SubscriberQuerySet(TenantQuerySet):
    """Subscribers; deleted ones are kept and shown only by their own address."""

    def live(self) -> SubscriberQuerySet:
        """Those that are not deleted."""
        return self.filter(deleted_at=None)

    def called(self, broadworks_id: str) -> SubscriberQuerySet:
        """Live ones with this BroadWorks ID, whatever the case of its letters."""
        return self.live().filter(texts__broadworks_id__iexact=broadworks_id)

    def failing(self) -> SubscriberQuerySet:
        """Live ones that show the status Error."""
        return self.live().filter(status=Status.ERROR)


class Subscriber(models.Model):
    """A projection of a Webex for BroadWorks subscriber.

    `backend_status` is only ever copied from an answer of the backend (projection/merge.py).
    `status` and the shown error are derived by shown_status.derive and stored for filters.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="subscribers", db_index=False
    )
    connection = models.ForeignKey(
        BackendConnection, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    template = models.ForeignKey(
        OnboardingTemplate, on_delete=models.PROTECT, related_name="subscribers", db_index=False
    )
    #: Empty only between the DELETE and the POST of a retry that needs both.
    webex_id = models.CharField(_("Webex subscriber ID"), max_length=300, null=True, blank=True)
    person_id = models.CharField(_("Webex person ID"), max_length=300, blank=True)
    broadworks_id = models.CharField(_("BroadWorks ID"), max_length=200)
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
    #: When (PostgreSQL's clock) the answer was asked for that the row holds; it moves for one that
    #: changes nothing only where its order could not be told otherwise (bringing_in).
    seen_at = models.DateTimeField(default=timezone.now)

    status = models.CharField(_("status"), max_length=60)
    #: The three errors kept apart: {"code", "text", "tracking_id", "at"} or empty.
    backend_error = models.JSONField(default=dict, blank=True)
    job_error = models.JSONField(default=dict, blank=True)
    activation_error = models.JSONField(default=dict, blank=True)
    #: The newest of the three.
    error_code = models.CharField(_("error code"), max_length=40, blank=True)
    error_text = models.TextField(_("error text"), blank=True)
    error_tracking_id = models.CharField(max_length=100, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    #: What the row is counted and filtered under: the error's code, or one of two words.
    error_key = models.GeneratedField(
        expression=_ERROR_KEY, output_field=models.CharField(max_length=40), db_persist=True
    )
    #: Names as people sort them; only ever written by the database (folding.sql).
    name_key = models.TextField(db_collation="C", default="", blank=True, editable=False)
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
            _list_index("template_page", "-last_change_at", "-id"),
            _list_index("status_page", "status", "-last_change_at", "-id"),
            _list_index("package_page", "package", "-last_change_at", "-id"),
            _list_index(
                "error_page",
                *("error_key", "-last_change_at", "-id"),
                condition=_LIVE & ~Q(error_key=NO_ERROR),
            ),
            _list_index(
                "unready_page",
                *("-last_change_at", "-id"),
                condition=_LIVE & ~Q(status=Status.PROVISIONED),
            ),
            _list_index("enterprise", "enterprise_id", "backend_created_at", "id"),
            models.Index(
                fields=["partner", "-last_change_at", "-id"],
                condition=_LIVE,
                name="subscriber_partner_page",
            ),
            # Live ones are found by the constraint's, and by UserText's.
            models.Index(
                Upper("broadworks_id"),
                condition=Q(deleted_at__isnull=False),
                name="subscriber_broadworks_id_gone",
            ),
            models.Index(
                fields=["connection", "webex_id"],
                condition=Q(deleted_at__isnull=False),
                name="subscriber_webex_id_gone",
            ),
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

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    #: When it was written, its row held: the order of the timeline (shown.TOLD_AT).
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
