"""What every open page asks again every few seconds: little, and by keys alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import QuerySet

from common import sql
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.models import Subscriber
from provisioning.states import UNFINISHED

#: More newcomers are not counted.
MAX_ARRIVED = 1000
#: Of so many of the newest users, whosever they are, newcomers are counted.
_NEWEST = 10_000
_LAST = "SELECT coalesce(max(id), 0) FROM provisioning_subscriber"
_ROW_STATES = f"""
    SELECT s.id, s.template_id, s.version, s.backend_status, s.deleted_at IS NOT NULL,
           j.state, COALESCE(j.held, false)
      FROM provisioning_subscriber s
      LEFT JOIN provisioning_job j ON j.subscriber_id = s.id
           AND j.state IN ({sql.literals(UNFINISHED)})
     WHERE s.id = ANY(%(ids)s) AND s.partner_id = %(partner)s
"""  # noqa: S608 -- own words


class RowState(NamedTuple):
    """All of a user that tells whether a row looks otherwise than before.

    `job_state` and `held` are those of the unfinished job, None and False without one.
    """

    pk: int
    template_id: int
    version: int
    backend_status: str
    is_deleted: bool
    job_state: str | None
    held: bool


def row_states(partner_id: int, ids: Iterable[int]) -> list[RowState]:
    """The signs of those of the users who are the partner's, deleted ones too; one query."""
    rows = sql.prepared(_ROW_STATES, {"ids": list(ids), "partner": partner_id})
    return [RowState(*row) for row in rows]


def newest() -> int:
    """The largest id of any user by now, whosever: what has a larger one arrived later."""
    [(found,)] = sql.prepared(_LAST, {})
    return int(found)


def arrived(users: QuerySet[Subscriber], chosen: UserFilter, since: int) -> int:
    """How many users that the filter leaves have a larger id; at most MAX_ARRIVED + 1.

    Nearly always nobody has, and then one look at the end of an index is all.
    """
    last = newest()
    if last <= since:
        return 0
    later = users.filter(pk__gt=max(since, last - _NEWEST))
    return filters.among(later, chosen).order_by()[: MAX_ARRIVED + 1].count()
