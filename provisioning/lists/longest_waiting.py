"""Who has waited longest: each question is a probe of an index for each template.

Nothing here reads all users, however many there are. The templates are the asker's own: whose
users they are is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Subquery

from common.sql import Among
from provisioning.models import Subscriber
from provisioning.models.subscribers import NO_ERROR
from provisioning.selectors import ACTIVE, LINE_ORDER, same_enterprise, where_nobody_is_active
from provisioning.states import PENDING, Status
from templates_app.models import OnboardingTemplate

#: So many users are looked at for all of a partner's templates, and for each one.
MAX_LOOKED_AT, LEAST_LOOKED_AT = 500, 20
#: In the order of the screen.
_PENDING = [status for status in Status if status in PENDING]


def oldest_of(template_ids: Sequence[int], error_keys: Iterable[str]) -> dict[str, datetime]:
    """By error key: since when the users with it have not changed; one query.

    For each template and key an index gives the first one.
    """
    users = _longest_first(Subscriber.objects.live().filter(status__in=[Status.ERROR, *_PENDING]))
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
    firsts = [ArraySubquery(users.filter(status=status).values("pk")[:n]) for status in _PENDING]
    ids = [pk for row in _each(template_ids).values_list(*firsts) for some in row for pk in some]
    rows = Subscriber.objects.filter(pk__in=ids).order_by("last_change_at", "pk")
    return list(rows[:n])


@dataclass(frozen=True)
class Stuck:
    """The firsts in line of a template, one an enterprise.

    Attributes:
        looked_at: only so many users were looked at, those who have waited longest; None: all.
    """

    firsts: list[Subscriber]
    looked_at: int | None = None


def stuck(template_ids: Sequence[int]) -> dict[int, Stuck]:
    """The firsts in line of several templates, by template; three queries.

    Enterprises are looked at in which somebody waits: of at most MAX_LOOKED_AT users in all.
    """
    if not template_ids:
        return {}
    share = max(MAX_LOOKED_AT // len(template_ids), LEAST_LOOKED_AT)
    waiting = _idle(template_ids, share + 1)
    ids = [pk for pks in waiting.values() for pk in pks[:share]]
    firsts = _firsts_of_their_enterprises(ids)
    return {
        template_id: Stuck(firsts.get(template_id, []), share if len(pks) > share else None)
        for template_id, pks in waiting.items()
    }


def _idle(template_ids: Sequence[int], n: int) -> dict[int, list[int]]:
    """Ids of users who are not active, by template: the n that have not changed for longest."""
    idle = _longest_first(Subscriber.objects.live())
    for status in ACTIVE:  # one by one: so PostgreSQL sees that an index has them
        idle = idle.exclude(status=status)
    return dict(_each(template_ids).values_list("pk", ArraySubquery(idle.values("pk")[:n])))


def _firsts_of_their_enterprises(ids: Sequence[int]) -> dict[int, list[Subscriber]]:
    """Who is first in line in the enterprises of these users, by template."""
    users = where_nobody_is_active(Subscriber.objects.filter(pk__in=Among.of(ids)))
    first = Subquery(same_enterprise().order_by(*LINE_ORDER).values("pk")[:1])
    firsts = set(users.order_by().values_list(first, flat=True))
    found: dict[int, list[Subscriber]] = {}
    for row in Subscriber.objects.filter(pk__in=firsts).order_by("enterprise_id", *LINE_ORDER):
        found.setdefault(row.template_id, []).append(row)
    return found


def _each(template_ids: Sequence[int]) -> QuerySet[OnboardingTemplate]:
    return OnboardingTemplate.objects.filter(pk__in=template_ids).order_by()


def _longest_first(users: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    return users.filter(template=OuterRef("pk")).order_by("last_change_at", "id")
