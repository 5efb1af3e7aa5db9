"""Reads that more than one caller needs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet

from accounts.models import BackendConnection
from provisioning.models import Heartbeat, Job, Subscriber
from provisioning.states import Status
from templates_app.models import OnboardingTemplate


def heartbeats() -> dict[str, datetime]:
    """When worker and beat last left a sign."""
    return {beat.name: beat.at for beat in Heartbeat.objects.all()}


def connections() -> QuerySet[BackendConnection]:
    """All connections with their partners."""
    return BackendConnection.objects.select_related("partner").order_by("pk")


def jobs_by_state() -> dict[str, int]:
    """How many jobs are in each state."""
    rows = Job.objects.order_by().values_list("state").annotate(n=Count("id"))
    return {str(state): n for state, n in rows}


def subscribers_by_status() -> dict[str, int]:
    """How many live subscribers show each status, over all partners (for metrics)."""
    rows = Subscriber.objects.live().order_by().values_list("status").annotate(n=Count("id"))
    return {str(status): n for status, n in rows}


def oldest_due_seconds(now: datetime) -> float:
    """How long the oldest due job has waited for a worker; 0 when none is due."""
    oldest = Job.objects.due(now).aggregate(at=Min("created_at"))["at"]
    return max((now - oldest).total_seconds(), 0.0) if oldest else 0.0


def unfinished_jobs_of(subscribers: Iterable[Subscriber]) -> dict[int, Job]:
    """The unfinished job of each subscriber that has one, by subscriber id; one query."""
    ids = [subscriber.pk for subscriber in subscribers]
    jobs = Job.objects.unfinished().filter(subscriber_id__in=ids)
    return {job.subscriber_id: job for job in jobs}


def unfinished_job_of(subscriber: Subscriber) -> Job | None:
    """The unfinished job of this user: of the row, which may have moved to another template
    since, or of the key, queued before the row was known.
    """
    key = Q(
        connection=subscriber.connection_id,
        template=subscriber.template_id,
        enterprise_id=subscriber.enterprise_id,
        broadworks_id=subscriber.broadworks_id,
    )
    return Job.objects.unfinished().filter(key | Q(subscriber=subscriber)).first()


def first_in_line(template: OnboardingTemplate, enterprise_id: str) -> Subscriber | None:
    """Who must activate first under *provision admin first*; None when somebody is active.

    The rule is per template and enterprise: while nobody there is provisioned, only the earliest
    user may pass (DESIGN section 5).
    """
    users = Subscriber.objects.live().filter(template=template, enterprise_id=enterprise_id)
    if users.filter(status__in=[Status.PROVISIONED, Status.UPDATING]).exists():
        return None
    return users.order_by("backend_created_at", "id").first()
