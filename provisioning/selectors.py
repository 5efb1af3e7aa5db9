"""Reads that more than one caller needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import (
    Count,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)

from accounts.models import BackendConnection
from common import sql
from common.sql import Among
from provisioning.models import Heartbeat, Job, Subscriber, SubscriberQuerySet, UserCount
from provisioning.states import UNFINISHED, Status
from templates_app.models import OnboardingTemplate

#: What *provision admin first* counts as somebody being active.
ACTIVE = (Status.PROVISIONED, Status.UPDATING)
#: Whoever came first passes first.
LINE_ORDER = ("backend_created_at", "id")

#: More work of a partner is not counted.
MAX_OPEN = 100


def heartbeats() -> dict[str, datetime]:
    """When worker and beat last left a sign."""
    return {beat.name: beat.at for beat in Heartbeat.objects.all()}


def connections() -> QuerySet[BackendConnection]:
    """All connections with their partners."""
    return BackendConnection.objects.select_related("partner").order_by("pk")


def template_of_colleagues(user: Subscriber) -> OnboardingTemplate | None:
    """Another template of the partner, under which a user of the same enterprise is active."""
    if not user.enterprise_id:
        return None
    colleagues = Subscriber.objects.live().filter(
        partner_id=user.partner_id, enterprise_id=user.enterprise_id, status__in=ACTIVE
    )
    found = colleagues.exclude(template_id=user.template_id).select_related("template").first()
    return found.template if found else None


_OPEN_STATES = sql.literals(UNFINISHED)
_OPEN_WORK = f"""
    SELECT (SELECT count(*) FROM (
              SELECT FROM provisioning_job
               WHERE partner_id = %(partner)s AND priority = {Job.Priority.SINGLE:d}
                 AND state IN ({_OPEN_STATES}) LIMIT {MAX_OPEN}) jobs)
         + (SELECT count(*) FROM (
              SELECT FROM provisioning_jobbatch
               WHERE partner_id = %(partner)s AND finished_at IS NULL LIMIT {MAX_OPEN}) batches)
"""  # noqa: S608 - own words


def open_work(partner_id: int) -> int:
    """How many batches and single jobs of a partner have not ended; at most MAX_OPEN."""
    [(count,)] = sql.prepared(_OPEN_WORK, {"partner": partner_id})
    return min(int(count), MAX_OPEN)


def jobs_by_state() -> dict[str, int]:
    """How many jobs are in each state."""
    rows = Job.objects.order_by().values_list("state").annotate(n=Count("id"))
    return {str(state): n for state, n in rows}


def subscribers_by_status() -> dict[str, int]:
    """How many live subscribers show each status, over all partners (for metrics)."""
    sums = UserCount.objects.order_by().values_list("status").annotate(sum=Sum("n"))
    return {str(status): n for status, n in sums if n}


def oldest_due_seconds(now: datetime) -> float:
    """How long the oldest due job has waited for a worker; 0 when none is due."""
    oldest = Job.objects.due(now).aggregate(at=Min("created_at"))["at"]
    return max((now - oldest).total_seconds(), 0.0) if oldest else 0.0


def unfinished_jobs_of(subscribers: Iterable[Subscriber]) -> dict[int, Job]:
    """The unfinished job of each subscriber that has one, by subscriber id; one query."""
    ids = [subscriber.pk for subscriber in subscribers]
    condition = "WHERE subscriber_id = ANY(%s) AND state = ANY(%s)"
    jobs = sql.rows(Job, condition, [ids, list(map(str, UNFINISHED))])
    return {job.subscriber_id: job for job in jobs if job.subscriber_id is not None}


_MARKS = f"""
    SELECT subscriber_id, NULL FROM provisioning_job
     WHERE subscriber_id = ANY(%(ids)s) AND state IN ({_OPEN_STATES})
    UNION ALL
    SELECT NULL, unnest(array_agg(t.broadworks_id))
      FROM provisioning_usertext t JOIN provisioning_subscriber s ON s.id = t.subscriber_id
     WHERE upper(t.broadworks_id) = ANY(SELECT upper(unnest(%(names)s)))
       AND s.partner_id = %(partner)s
     GROUP BY upper(t.broadworks_id) HAVING count(*) > 1
"""  # noqa: S608 - own words


@dataclass(frozen=True)
class Marks:
    """What rows of a list bear.

    Attributes:
        busy: ids of users with an unfinished job.
        twins: BroadWorks IDs that more than one live user of the partner has, whatever their case.
    """

    busy: frozenset[int] = frozenset()
    twins: frozenset[str] = frozenset()


def marks_of(users: Sequence[Subscriber]) -> Marks:
    """The marks of one partner's users; one query."""
    if not users:
        return Marks()
    values = {
        "partner": users[0].partner_id,
        "ids": [user.pk for user in users],
        "names": [user.broadworks_id for user in users],
    }
    found = sql.prepared(_MARKS, values)
    return Marks(
        frozenset(key for key, _ in found if key is not None),
        frozenset(name for _, name in found if name is not None),
    )


#: What names a user, whether or not the row is known.
_KEY = ("connection", "template", "enterprise_id", "broadworks_id")


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


def busy_among(ids: Sequence[int]) -> set[int]:
    """Which of these subscribers have an unfinished job, by the rule of `unfinished_job_of`."""
    rows = Subscriber.objects.filter(pk__in=Among.of(ids)).order_by()
    jobs = Job.objects.unfinished().order_by()
    of_key = jobs.filter(**{name: OuterRef(name) for name in _KEY})
    by_row = rows.filter(Exists(jobs.filter(subscriber=OuterRef("pk"))))
    return set(
        by_row.values_list("pk", flat=True).union(
            rows.filter(Exists(of_key)).values_list("pk", flat=True)
        )
    )


def firsts_in_line(
    template: OnboardingTemplate, enterprise_ids: Iterable[str]
) -> SubscriberQuerySet:
    """Who must activate first under *provision admin first*: one user of each enterprise where
    nobody is active.

    The rule is per template and enterprise: while nobody there is provisioned, only the earliest
    user may pass (DESIGN section 5).
    """
    users = Subscriber.objects.live().filter(template=template, enterprise_id__in=enterprise_ids)
    ordered = where_nobody_is_active(users).order_by("enterprise_id", *LINE_ORDER)
    return ordered.distinct("enterprise_id")


def first_in_line(template: OnboardingTemplate, enterprise_id: str) -> Subscriber | None:
    """The same of one enterprise; None when somebody is active."""
    return firsts_in_line(template, [enterprise_id]).first()


def where_nobody_is_active(users: SubscriberQuerySet) -> SubscriberQuerySet:
    """Users of enterprises without an active user in the template.

    A subquery for one row, not NOT EXISTS: that one PostgreSQL may answer by reading everybody.
    """
    active = same_enterprise().filter(status__in=ACTIVE)
    found: SubscriberQuerySet = users.alias(active=Subquery(active.values("pk")[:1]))
    return found.filter(active=None)


def same_enterprise() -> SubscriberQuerySet:
    """For a subquery: everybody of the outer user's enterprise in the template."""
    same = {name: OuterRef(name) for name in ("template", "enterprise_id")}
    return Subscriber.objects.live().filter(**same)
