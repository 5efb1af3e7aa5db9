"""Rows of the list, ready to be drawn: user, unfinished job, whose turn, look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.bidi import isolated
from provisioning import catalogue, selectors
from provisioning.kinds import kind_of
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.models import Job, Subscriber
from provisioning.states import UNSETTLED, JobState
from provisioning.whose_turn import Turn, turn_of
from userstatus.row_keys import short
from userstatus.statuses import Look, look_of

#: One letter for the state of a row's job, so that the live page sees every change of it.
_JOB_LETTERS = {
    JobState.QUEUED: "q",
    JobState.SENDING: "s",
    JobState.CHECKING: "c",
    JobState.WAITING: "w",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One user as the list shows it.

    Attributes:
        key: short id of the row; with `state` it is what the live page asks by.
        state: version of the row and the state of its job.
        number: 2, 3, … for further rows of the page with the same BroadWorks ID, else 0.
        has_twin: another user of the partner has the same BroadWorks ID.
    """

    user: Subscriber
    job: Job | None
    turn: Turn
    look: Look
    error_title: str
    number: int = 0
    has_twin: bool = False

    @property
    def key(self) -> str:
        return short(self.user.pk)

    @property
    def state(self) -> str:
        return state_of(self.user, self.job)

    @property
    def is_busy(self) -> bool:
        """Something will change by itself soon."""
        return self.user.deleted_at is None and bool(
            self.job or self.user.backend_status in UNSETTLED
        )

    @property
    def is_going(self) -> bool:
        """Deleted, or about to be."""
        deleting = self.job is not None and kind_of(self.job.kind).removes
        return deleting or self.user.deleted_at is not None

    @property
    def twin_query(self) -> str:
        """Query string of the list that shows all users with this BroadWorks ID."""
        return UserFilter(q=self.user.broadworks_id[: filters.SEARCH_LENGTH]).query()

    @property
    def tick_label(self) -> str:
        """Name of the row's tick; no two ticks of a page have the same."""
        label = _("Select %(user)s") % {"user": isolated(self.user.broadworks_id)}
        return f"{label} ({self.number})" if self.number else label


def rows_of(users: Sequence[Subscriber], *, now: datetime) -> list[Row]:
    """The rows in the given order; two queries at most, whatever their number."""
    marks = selectors.marks_of(users)
    busy = [user for user in users if user.pk in marks.busy]
    jobs = selectors.unfinished_jobs_of(busy) if busy else {}
    seen: Counter[str] = Counter()
    rows = []
    for user in users:
        seen[user.broadworks_id] += 1
        times = seen[user.broadworks_id]
        job = jobs.get(user.pk)
        rows.append(
            Row(
                user=user,
                job=job,
                turn=turn_of(user, job=job, now=now),
                look=look_of(user),
                error_title=_error_title(user),
                number=times if times > 1 else 0,
                has_twin=user.broadworks_id in marks.twins,
            )
        )
    return rows


def state_of(user: Subscriber, job: Job | None) -> str:
    """Version and job state, as the live page repeats them."""
    return state_word(user.version, job.state if job else None, held=bool(job and job.held))


def state_word(version: int, job_state: str | None, *, held: bool) -> str:
    """The same of what they are made of; upper-case while a batch holds the job."""
    letter = _JOB_LETTERS[JobState(job_state)] if job_state else "."
    return f"{short(version)}{letter.upper() if held else letter}"


def _error_title(user: Subscriber) -> str:
    if not (user.error_code or user.error_text):
        return ""
    if catalogue.is_known(user.error_code):
        return _known_title(user.error_code, get_language())
    return str(catalogue.explain(user.error_code, user.error_text).title)


@lru_cache(maxsize=512)
def _known_title(code: str, language: str | None) -> str:
    """The title in the active language, which is a part of the cache's key."""
    return str(catalogue.explain(code).title)
