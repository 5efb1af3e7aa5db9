"""Counts that the console pages show; nothing here reads all users, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from provisioning.filtering import UNCODED
from provisioning.models import Subscriber, UserCount
from provisioning.models.subscribers import NO_ERROR
from provisioning.states import PENDING, Status
from provisioning.tallies import Tally
from templates_app.models import OnboardingTemplate

#: Users with one of these statuses are stopped, or must act themselves.
STOPPED = [Status.ERROR, *(status for status in Status if status in PENDING)]


def templates_with_errors(user: Any) -> QuerySet[OnboardingTemplate]:
    """The partner's templates, each with `error_count`; one query."""
    tallies = UserCount.objects.filter(template_id=OuterRef("pk"), status=Status.ERROR)
    sums = tallies.order_by().values("template_id").annotate(sum=Sum("n")).values("sum")
    error_count = Coalesce(Subquery(sums), 0, output_field=IntegerField())
    found: QuerySet[OnboardingTemplate] = OnboardingTemplate.objects.visible_to(user)
    return found.annotate(error_count=error_count).order_by("pk")


def by_template_and_status(tallies: Iterable[Tally]) -> dict[int, Counter[str]]:
    """How many live users of each template show each status."""
    found: dict[int, Counter[str]] = {}
    for tally in tallies:
        found.setdefault(tally.template_id, Counter())[tally.status] += tally.n
    return found


@dataclass(frozen=True)
class CauseCount:
    """How many users show one error code, by whether they failed or wait.

    Attributes:
        code: "" for errors that Webex tells in words only.
        oldest: when the one changed last who has been so for the longest time.
    """

    code: str
    failed: int
    waiting: int
    oldest: datetime | None = None

    @property
    def error_key(self) -> str:
        """What the filter of the list calls the error."""
        return self.code or UNCODED


def causes(tallies: Iterable[Tally]) -> list[CauseCount]:
    """Error codes of users, those with the most users first; `oldest` is not asked yet."""
    failed, waiting = Counter[str](), Counter[str]()
    for tally in tallies:
        if tally.error_key == NO_ERROR:
            continue
        if tally.status == Status.ERROR:
            failed[tally.error_key] += tally.n
        elif tally.status in PENDING:
            waiting[tally.error_key] += tally.n
    codes = {key: "" if key == UNCODED else key for key in {*failed, *waiting}}
    found = [CauseCount(code, failed[key], waiting[key]) for key, code in codes.items()]
    return sorted(found, key=lambda cause: (-cause.failed - cause.waiting, cause.code))


def oldest_of(template_ids: Sequence[int], error_keys: Iterable[str]) -> dict[str, datetime]:
    """By error key: since when the users with it have not changed; one query.

    For each template and key an index gives the first one.
    """
    users = _longest_first(Subscriber.objects.live().filter(status__in=STOPPED))
    firsts = {
        key: Subquery(
            users.filter(error_key=key).exclude(error_key=NO_ERROR).values("last_change_at")[:1]
        )
        for key in error_keys
    }
    rows = _each(template_ids).values_list(*firsts.values()) if firsts else []
    columns = zip(firsts, zip(*rows, strict=True), strict=False)
    times = {key: [at for at in column if at] for key, column in columns}
    return {key: min(some) for key, some in times.items() if some}


def longest_waiting(template_ids: Sequence[int], n: int) -> list[Subscriber]:
    """The n users who have waited longest for somebody to act; two queries.

    For each template and status an index gives its first n.
    """
    users = _longest_first(Subscriber.objects.live())
    firsts = [
        ArraySubquery(users.filter(status=status).values("pk")[:n])
        for status in STOPPED
        if status in PENDING
    ]
    ids = [pk for row in _each(template_ids).values_list(*firsts) for some in row for pk in some]
    rows = Subscriber.objects.filter(pk__in=ids).order_by("last_change_at", "pk")
    return list(rows[:n])


def _each(template_ids: Sequence[int]) -> QuerySet[OnboardingTemplate]:
    return OnboardingTemplate.objects.filter(pk__in=template_ids).order_by()


def _longest_first(users: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    return users.filter(template=OuterRef("pk")).order_by("last_change_at", "id")
