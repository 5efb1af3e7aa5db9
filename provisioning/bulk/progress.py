"""How a batch does: counts, its state, and when it will end, with what limits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Q

from accounts.models import BackendConnection, RetryBy
from provisioning import codes
from provisioning.kinds import kind_of
from provisioning.models import Job, JobBatch
from provisioning.states import JobState

_UNSENT = Q(state=JobState.QUEUED, sends=0, lease_until=None)
#: A speed is that of the last so many rows, and is believed from so many on.
SPEED_WINDOW, MIN_MEASURED = 50, 10
#: An answer takes so long, in milliseconds, as long as nothing was measured.
ANSWER_MS = 300


class BatchState(StrEnum):
    """Where a batch is: what its person must know first."""

    GRACE = "grace"
    TRYING = "trying"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    DONE_WITH_ERRORS = "done_with_errors"
    CANCELLED = "cancelled"
    UNDONE = "undone"


class Limit(StrEnum):
    """What a finish time hangs on most."""

    RATE = "rate"
    ANSWERS = "answers"
    GATE = "gate"
    GRACE = "grace"


@dataclass(frozen=True)
class Finish:
    """When a batch will end if all goes on as it does; one that is paused, if resumed now.

    Attributes:
        per_minute: requests that the connection allows in a minute.
        seconds: how long Webex takes for an answer.
        in_flight: requests that may be under way at once.
        until: when the gate opens, or the time of grace is over; None where neither is waited for.
        ahead: jobs of the same connection that go first.
    """

    at: datetime
    limit: Limit
    per_minute: int
    seconds: float
    in_flight: int
    until: datetime | None = None
    ahead: int = 0


@dataclass(frozen=True)
class Progress:
    """The rows of a batch, counted.

    done + failed + skipped + cancelled + left = total; `untouched` are those left of which
    nothing was sent yet. `causes` are the codes of the failed, `skips` those of the skipped, each
    with its number, the most frequent first.
    """

    total: int
    done: int
    failed: int
    skipped: int
    cancelled: int
    left: int
    untouched: int
    state: BatchState
    finish: Finish | None = None
    causes: list[tuple[str, int]] = field(default_factory=list)
    skips: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class _Counts:
    """What the one query over a batch's jobs found."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    left: int = 0
    untouched: int = 0
    causes: list[tuple[str, int]] = field(default_factory=list)
    skips: list[tuple[str, int]] = field(default_factory=list)

    def add(self, state: str, code: str, number: int, unsent: int) -> None:
        if state == JobState.DONE:
            self.done += number
        elif state == JobState.FAILED:
            self.failed += number
            self.causes.append((code, number))
        elif state != JobState.CANCELLED:
            self.left += number
            self.untouched += unsent
        elif code in codes.SKIPS:
            self.skipped += number
            self.skips.append((code, number))
        else:
            self.cancelled += number


def progress(batch: JobBatch, now: datetime) -> Progress:
    """Count the rows, and say when they will be done: three small queries, one once it is over."""
    counts = _count(batch)
    state = state_of(batch, counts, now)
    has_ended = batch.cancelled_at is not None or not counts.left
    finish = None if has_ended else _finish(batch, counts.left, now)
    return Progress(batch.total, **vars(counts), state=state, finish=finish)


def _count(batch: JobBatch) -> _Counts:
    counts = _Counts()
    jobs = Job.objects.filter(batch=batch).order_by().values_list("state", "result_code")
    numbers = jobs.annotate(number=Count("id"), unsent=Count("id", filter=_UNSENT))
    for state, code, number, unsent in numbers.order_by("-number", "result_code"):
        counts.add(state, code, number, unsent)
    return counts


def state_of(batch: JobBatch, counts: _Counts | Progress, now: datetime) -> BatchState:
    """Name the state; a batch whose rows were all cancelled one by one is cancelled too."""
    if batch.cancelled_at:
        in_time = batch.undo_until and batch.cancelled_at < batch.undo_until
        return BatchState.UNDONE if in_time else BatchState.CANCELLED
    if not counts.left:
        if counts.failed:
            return BatchState.DONE_WITH_ERRORS
        return BatchState.DONE if counts.done or counts.skipped else BatchState.CANCELLED
    if batch.paused_at:
        return BatchState.PAUSED
    if batch.undo_until and now < batch.undo_until:
        return BatchState.GRACE
    return BatchState.RUNNING if batch.released_at else BatchState.TRYING


def _finish(batch: JobBatch, left: int, now: datetime) -> Finish:
    """An estimate from what the connection allows, or from the speed that was measured."""
    way = BackendConnection.objects.get(pk=batch.connection_id)
    by_rate = timedelta(minutes=1) / max(way.requests_per_minute, 1)
    answer = timedelta(milliseconds=way.answer_ms or ANSWER_MS)
    by_answers = answer / max(way.max_in_flight, 1)
    slower, limit = max((by_rate, Limit.RATE), (by_answers, Limit.ANSWERS))
    ahead = _ahead(batch)
    each = _measured(batch, way, now) or slower * _exchanges(batch, way)
    work = each * (left + ahead)
    wait, until, reason = _wait(batch, way, now)
    return Finish(
        at=now + wait + work,
        limit=reason if reason and wait >= work else limit,
        per_minute=way.requests_per_minute,
        seconds=answer.total_seconds(),
        in_flight=way.max_in_flight,
        until=until,
        ahead=ahead,
    )


def _wait(
    batch: JobBatch, way: BackendConnection, now: datetime
) -> tuple[timedelta, datetime | None, Limit | None]:
    """What must pass before anything goes out."""
    gate = (way.not_before, Limit.GATE)
    grace = (batch.undo_until, Limit.GRACE)
    later = [(until, reason) for until, reason in (gate, grace) if until and until > now]
    if not later:
        return timedelta(), None, None
    until, reason = max(later)
    return until - now, until, reason


def _exchanges(batch: JobBatch, way: BackendConnection) -> int:
    kind = kind_of(batch.kind)
    return kind.exchanges + (kind.activates and way.retry_by == RetryBy.DELETE_THEN_POST)


def _ahead(batch: JobBatch) -> int:
    """Single actions go first, then the batches that were there before."""
    others = Job.objects.unfinished().filter(connection=batch.connection_id, held=False)
    first = Q(priority=Job.Priority.SINGLE) | Q(batch__created_at__lt=batch.created_at)
    return others.exclude(batch=batch.pk).filter(first).count()


def _measured(batch: JobBatch, way: BackendConnection, now: datetime) -> timedelta | None:
    """How long a row took lately, since all were let go; None while too few have ended."""
    if not batch.released_at:
        return None
    ended = Job.objects.filter(
        batch=batch,
        state__in=[JobState.DONE, JobState.FAILED],
        finished_at__gt=batch.released_at,
    ).order_by("-finished_at")
    times = list(ended.values_list("finished_at", flat=True)[:SPEED_WINDOW])
    if len(times) < MIN_MEASURED or times[0] == times[-1]:
        return None
    is_waiting = way.not_before is not None and way.not_before > now
    upto = times[0] if is_waiting else max(times[0], now)
    took: timedelta = upto - times[-1]
    return took / len(times)
