"""Watching over batches: a few rows first, then the others; the brake; the end.

`watch` is asked after every few jobs, so it looks first and takes the batch only when something
is to be done, and then looks again: two workers who ask at once do it once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, NamedTuple

from django.db import transaction

from accounts import audit
from provisioning import timing
from provisioning.bulk import statements
from provisioning.bulk.statements import TRIAL_SIZE
from provisioning.jobs import outbox
from provisioning.models import Job, JobBatch
from provisioning.states import JobState
from provisioning.timing import scaled

logger = logging.getLogger(__name__)

#: So many failures in a row with one code stop a batch.
BRAKE_AFTER = 5
#: A first row at which Webex works for so long without having refused it went well enough.
TRIAL_SECONDS = 15.0


class Step(Enum):
    """What is to be done with a batch."""

    FINISH = auto()
    TRY = auto()
    RELEASE = auto()
    BRAKE = auto()


class Decision(NamedTuple):
    """The step, and for the brake what the rows failed with."""

    step: Step
    code: str = ""
    text: str = ""


class JobResult(NamedTuple):
    """What is looked at of a job."""

    state: str
    result_code: str
    result_text: str
    intent_at: datetime | None


def unfinished_ids() -> list[int]:
    """The batches to watch, the oldest first."""
    batches = JobBatch.objects.filter(finished_at=None).order_by("created_at")
    return list(batches.values_list("pk", flat=True))


def watch_over(ended: Iterable[Job]) -> None:
    """Watch the batches of jobs that have just ended."""
    watch_all({job.batch_id for job in ended if job.batch_id})


def watch_all(ids: Iterable[int]) -> None:
    """Watch several; trouble with one must not keep the others from being watched."""
    for batch_id in ids:
        try:
            watch(batch_id, timing.now())
        except Exception:
            logger.exception("batch cannot be watched", extra={"batch_id": batch_id})


def watch(batch_id: int, now: datetime) -> None:
    """Do what the state of a batch's jobs asks for; harmless when asked too often, or at once.

    Releases the others once the first TRIAL_SIZE went well, stops the batch when they all failed
    with one code, or BRAKE_AFTER in a row did, and notes its end. `now` is by PostgreSQL's clock.
    """
    batch = JobBatch.objects.filter(pk=batch_id, finished_at=None).first()
    if batch is None or decide(batch, now) is None:
        return
    with transaction.atomic():
        batch = statements.locked(batch_id)
        decision = None if batch.finished_at else decide(batch, now)
        if decision:
            _act(batch, decision, now)


def decide(batch: JobBatch, now: datetime) -> Decision | None:
    """What is to be done; one or two queries on the index of the batch's jobs."""
    if not Job.objects.filter(batch=batch, finished_at=None).order_by().exists():
        return Decision(Step.FINISH)
    if batch.paused_at:
        return None
    if batch.released_at is None:
        return _of_trial(_trial_results(batch), now)
    last = _results_of(_ended(batch).order_by("-finished_at", "-pk")[:BRAKE_AFTER])
    return _brake(last) if len(last) == BRAKE_AFTER else None


def _ended(batch: JobBatch) -> Any:
    """Jobs that tell how things go: what was skipped or cancelled does not."""
    jobs = Job.objects.filter(batch=batch, state__in=[JobState.DONE, JobState.FAILED])
    jobs = jobs.exclude(finished_at=None)  # or the index would lead through all that is left
    return jobs.filter(finished_at__gt=batch.resumed_at) if batch.resumed_at else jobs


def _trial_results(batch: JobBatch) -> list[JobResult]:
    """The first few, with what is still under way from before a pause."""
    under_way = Job.objects.filter(batch=batch, finished_at=None, held=False)
    return _results_of(_ended(batch)) + _results_of(under_way)


def _results_of(jobs: Any) -> list[JobResult]:
    return [JobResult._make(values) for values in jobs.values_list(*JobResult._fields)]


def _of_trial(tried: Sequence[JobResult], now: datetime) -> Decision | None:
    if not tried:  # all of the first were skipped: they tell nothing
        return Decision(Step.TRY)
    if not all(_has_shown(job, now) for job in tried):
        return None
    return _brake(tried) or Decision(Step.RELEASE)


def _has_shown(job: JobResult, now: datetime) -> bool:
    """It ended, or Webex took it and has not refused it since."""
    if job.state in (JobState.DONE, JobState.FAILED):
        return True
    long_ago = now - scaled(TRIAL_SECONDS)
    return job.state == JobState.WAITING and bool(job.intent_at and job.intent_at <= long_ago)


def _brake(jobs: Sequence[JobResult]) -> Decision | None:
    """The same cause, job after job: the next would fail with it too."""
    if (
        all(job.state == JobState.FAILED for job in jobs)
        and len({j.result_code for j in jobs}) == 1
    ):
        return Decision(Step.BRAKE, jobs[0].result_code, jobs[0].result_text)
    return None


def _act(batch: JobBatch, decision: Decision, now: datetime) -> None:
    if decision.step is Step.FINISH:
        batch.finished_at = now
        batch.save(update_fields=["finished_at"])
    elif decision.step is Step.BRAKE:
        _stop(batch, decision, now)
    else:
        _release(batch, decision, now)


def _release(batch: JobBatch, decision: Decision, now: datetime) -> None:
    if decision.step is Step.TRY:
        statements.release(batch, TRIAL_SIZE)
    else:
        statements.release(batch)
        batch.released_at = now
        batch.save(update_fields=["released_at"])
    hint(batch)


def _stop(batch: JobBatch, decision: Decision, now: datetime) -> None:
    """What was sent ends as it ends; with nothing left to hold back there is nothing to stop."""
    statements.hold(batch)
    untouched = statements.unsent(batch)
    if not untouched:
        return
    batch.paused_at = now
    batch.pause_code, batch.pause_text = decision.code, decision.text
    batch.save(update_fields=["paused_at", "pause_code", "pause_text"])
    after = {"code": decision.code, "untouched": untouched}
    audit.record(audit.SYSTEM, "batch.pause", batch, partner=batch.partner, after=after)


def hint(batch: JobBatch) -> None:
    """After the commit, tell the workers that there is something to do."""
    connection_id = batch.connection_id
    transaction.on_commit(lambda: outbox.hint(connection_id), robust=True)
