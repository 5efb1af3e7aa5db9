"""The list of batches and single jobs, newest first, read with a fixed number of queries.

Jobs of a batch are not in it: they are the rows of the batch's own page.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from provisioning import selectors
from provisioning.models import Job, JobBatch
from provisioning.states import UNFINISHED, JobState
from userstatus.jobs import batch_line, job_line
from userstatus.jobs.batch_line import BatchLine
from userstatus.jobs.job_line import JobLine

PAGE = 50
#: What is more is not counted exactly.
MAX_NEWER = 99

Line = JobLine | BatchLine


def _has_failed() -> Exists:
    rows = Job.objects.filter(partner=OuterRef("partner"), batch=OuterRef("pk"))
    return Exists(rows.filter(state=JobState.FAILED))


@dataclass(frozen=True)
class StateFilter:
    """One choice of the list: word in the URL, label, which jobs, which batches."""

    word: str
    label: Any
    states: frozenset[JobState]
    batches: Callable[[], Q]


FILTERS: list[StateFilter] = [
    StateFilter("unfinished", _("Unfinished"), UNFINISHED, lambda: Q(finished_at=None)),
    StateFilter("failed", _("Failed"), frozenset({JobState.FAILED}), lambda: Q(_has_failed())),
    StateFilter(
        "done",
        _("Done"),
        frozenset({JobState.DONE}),
        lambda: Q(finished_at__isnull=False, cancelled_at=None) & ~Q(_has_failed()),
    ),
    StateFilter(
        "cancelled",
        _("Cancelled"),
        frozenset({JobState.CANCELLED}),
        lambda: Q(cancelled_at__isnull=False),
    ),
]


@dataclass(frozen=True)
class JobFilter:
    """What of the list is shown: `state` is a word of FILTERS or ""; `mine` the reader's own."""

    state: str = ""
    mine: bool = False

    @property
    def is_filtered(self) -> bool:
        return bool(self.state or self.mine)


@dataclass(frozen=True)
class JobPage:
    """One page of the list, newest first; `older` is where the next one starts, or None."""

    lines: list[Line]
    older: uuids.UUID | None


def page(reader: User, choice: JobFilter, *, after: str, now: datetime) -> JobPage:
    """One page; `after` is the uuid of the last line of the page before. Five queries at most."""
    jobs, batches = _filtered(reader, choice)
    if last := _job_or_batch(reader, after):
        jobs, batches = _older_jobs(jobs, last), _older_batches(batches, last)
    newest_first = ("-created_at", "-pk")
    entries: list[Job | JobBatch] = [
        *batches.order_by(*newest_first)[: PAGE + 1],
        *jobs.order_by(*newest_first)[: PAGE + 1],
    ]
    entries.sort(key=_sort_key, reverse=True)
    more = len(entries) > PAGE
    lines = _lines(entries[:PAGE], reader, now)
    return JobPage(lines, lines[-1].uuid if more else None)


def lines_by_uuid(reader: User, ids: Sequence[str], now: datetime) -> list[Line]:
    """The lines with these uuids, at most one page; what is no uuid is left out."""
    wanted = [found for text in ids[:PAGE] if (found := job_line.parse_uuid(text))]
    if not wanted:
        return []
    entries: list[Job | JobBatch] = [
        *job_line.batches_of(reader).filter(uuid__in=wanted),
        *job_line.jobs_of(reader).filter(uuid__in=wanted),
    ]
    return _lines(entries, reader, now)


def arrived(reader: User, choice: JobFilter, newest: str) -> int:
    """How many lines came on top of the one with this uuid, at most MAX_NEWER."""
    first = _job_or_batch(reader, newest)
    if first is None:
        return 0
    newer = Q(created_at__gt=first.created_at)
    jobs, batches = _filtered(reader, choice)
    count = jobs.filter(newer).order_by()[:MAX_NEWER].count()
    count += batches.filter(newer).order_by()[:MAX_NEWER].count()
    return min(count, MAX_NEWER)


def unfinished_count(reader: User) -> int:
    """How many batches and single jobs have not ended; beyond 99 nobody counts."""
    return selectors.open_work(reader.partner_id) if reader.partner_id else 0


def failed_since(
    reader: User, since: datetime, now: datetime, shown: int
) -> tuple[list[Line], int]:
    """Jobs and batches with failures that ended after `since`, newest first, and how many in all.

    A batch that is still at work counts too.
    """
    jobs, batches = _filtered(reader, JobFilter("failed"))
    jobs = jobs.filter(finished_at__gte=since)
    batches = batches.filter(Q(finished_at=None) | Q(finished_at__gte=since))
    entries: list[Job | JobBatch] = [
        *batches.order_by("-created_at", "-pk")[:shown],
        *jobs.order_by("-finished_at")[:shown],
    ]
    entries.sort(key=lambda entry: entry.finished_at or now, reverse=True)
    count = jobs.order_by().count() + batches.order_by().count()
    return _lines(entries[:shown], reader, now), count


def paused(reader: User, now: datetime, shown: int) -> list[BatchLine]:
    """Batches that the brake stopped, newest first."""
    stopped = job_line.batches_of(reader).filter(finished_at=None, paused_at__isnull=False)
    lines = _lines(list(stopped.order_by("-paused_at")[:shown]), reader, now)
    return [line for line in lines if isinstance(line, BatchLine)]


def _filtered(reader: User, choice: JobFilter) -> tuple[QuerySet[Job], QuerySet[JobBatch]]:
    jobs = job_line.jobs_of(reader).filter(batch=None)
    batches = job_line.batches_of(reader)
    wanted = {one.word: one for one in FILTERS}.get(choice.state)
    if wanted is not None:
        jobs, batches = jobs.filter(state__in=wanted.states), batches.filter(wanted.batches())
    if choice.mine:
        jobs, batches = jobs.filter(requested_by=reader), batches.filter(requested_by=reader)
    return jobs, batches


def _lines(entries: Sequence[Job | JobBatch], reader: User, now: datetime) -> list[Line]:
    progress = batch_line.progress_of([e for e in entries if isinstance(e, JobBatch)], now)
    return [
        BatchLine(entry, reader, progress[entry.pk], now)
        if isinstance(entry, JobBatch)
        else JobLine(entry, reader)
        for entry in entries
    ]


def _job_or_batch(reader: User, text: str) -> Job | JobBatch | None:
    found = job_line.parse_uuid(text)
    if found is None:
        return None
    job: Job | None = Job.objects.visible_to(reader).filter(uuid=found).first()
    return job or JobBatch.objects.visible_to(reader).filter(uuid=found).first()


# ---- The order: time, then batches before jobs, then number; all of it newest first ----


def _sort_key(entry: Job | JobBatch) -> tuple[datetime, bool, int]:
    return entry.created_at, isinstance(entry, JobBatch), entry.pk


def _older_jobs(jobs: QuerySet[Job], last: Job | JobBatch) -> QuerySet[Job]:
    same = Q(created_at=last.created_at)
    if isinstance(last, Job):
        same &= Q(pk__lt=last.pk)
    return jobs.filter(Q(created_at__lt=last.created_at) | same)


def _older_batches(batches: QuerySet[JobBatch], last: Job | JobBatch) -> QuerySet[JobBatch]:
    older = Q(created_at__lt=last.created_at)
    if isinstance(last, JobBatch):
        older |= Q(created_at=last.created_at, pk__lt=last.pk)
    return batches.filter(older)
