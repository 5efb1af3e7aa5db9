"""Django admin: jobs. To look at; operations retry and cancel them by the rules of everybody."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import operations_admin
from accounts.audit import Actor
from accounts.operations_admin import PARTNER, TEMPLATE, ObjectAction, ReadOnlyAdmin, Refused
from common import clock
from provisioning.jobs import job_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job
from provisioning.states import FINAL, JobState


def _retry(request: HttpRequest, job: Job) -> str:
    try:
        again = job_services.retry_job(job, actor=Actor.of(request), now=clock.now())
    except ActionRefused as refused:
        raise Refused(refused.message) from refused
    return _("Queued again as a new job: %(uuid)s") % {"uuid": again.uuid}


def _cancel(request: HttpRequest, job: Job) -> str:
    try:
        job_services.cancel_job(job, actor=Actor.of(request), now=clock.now())
    except ActionRefused as refused:
        raise Refused(refused.message) from refused
    return _("The job is cancelled.")


RETRY = ObjectAction(
    "retry",
    gettext_lazy("Retry the job"),
    _retry,
    lambda job: job.state in FINAL and job.state != JobState.DONE,
)
CANCEL = ObjectAction(
    "cancel",
    gettext_lazy("Cancel the job"),
    _cancel,
    lambda job: job.state == JobState.QUEUED and job.sends == 0,
)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs, with their attempts and their end."""

    list_display = [
        "created_at",
        "kind",
        "broadworks_id",
        "state",
        "result_code",
        "partner",
        "requested_label",
    ]
    list_filter = ["state", "kind", PARTNER, TEMPLATE, "created_at", "result_code"]
    list_select_related = ["partner"]
    search_fields = ["broadworks_id", "enterprise_id", "tracking_id", "requested_label", "=uuid"]
    search_help_text = gettext_lazy("BroadWorks ID, enterprise, tracking ID, person or UUID")
    actions = ["retry_chosen", "cancel_chosen"]
    object_actions = [RETRY, CANCEL]
    fieldsets = [
        (None, {"fields": ["kind", "state", "uuid", "requested_label", "created_at"]}),
        (
            gettext_lazy("On what"),
            {"fields": ["partner", "template", "enterprise_id", "broadworks_id", "user"]},
        ),
        (
            gettext_lazy("Result"),
            {
                "fields": [
                    "result_code",
                    "result_text",
                    "http_status",
                    "tracking_id",
                    "finished_at",
                ]
            },
        ),
        (
            gettext_lazy("Attempts"),
            {
                "fields": [
                    "step",
                    "sends",
                    "crashes",
                    "polls",
                    "not_before",
                    "deadline_at",
                    "intent_at",
                    "lease_until",
                ]
            },
        ),
        (gettext_lazy("Orders"), {"classes": ["collapse"], "fields": ["orders"]}),
    ]

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Operations retry and cancel, though they may not change the row itself."""
        return operations_admin.is_operations(request.user)

    @admin.action(description=gettext_lazy("Retry the chosen jobs"), permissions=["act"])
    def retry_chosen(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        self._each(request, chosen, RETRY)

    @admin.action(description=gettext_lazy("Cancel the chosen jobs"), permissions=["act"])
    def cancel_chosen(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        self._each(request, chosen, CANCEL)

    def _each(self, request: HttpRequest, chosen: QuerySet[Job], action: ObjectAction) -> None:
        """Each job by the rule for one; what is refused is said with its reason."""
        done = 0
        for job in chosen.select_related("partner", "subscriber", "connection", "template"):
            try:
                action.run(request, job)
            except Refused as refused:
                messages.warning(request, f"{job}: {refused}")
            else:
                done += 1
        messages.success(request, _("Done with %(count)s jobs.") % {"count": done})

    @admin.display(description=gettext_lazy("subscriber"))
    def user(self, row: Job) -> SafeString | str:
        return operations_admin.link(row.subscriber)

    @admin.display(description=gettext_lazy("what it was told to do"))
    def orders(self, row: Job) -> SafeString:
        return operations_admin.pretty(row.params)
