"""Recording what came of exchanges. What follows from failures is in failure_policy.py."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from common import sql
from provisioning import shown_status, timing
from provisioning.engine import failure_policy, operations
from provisioning.engine.exchange import Outcome
from provisioning.engine.operations import Gone
from provisioning.jobs import completion, leases
from provisioning.jobs.completion import Ending
from provisioning.models import Cause, Job, Subscriber
from provisioning.projection import merge
from provisioning.projection.merge import Answer
from provisioning.states import SETTLED, JobState
from provisioning.timing import POLL_SECONDS, scaled
from webex.errors import WebexError
from webex.payloads import RemoteSubscriber

logger = logging.getLogger(__name__)


def record(outcomes: Sequence[Outcome]) -> list[Job]:
    """Write what came of these exchanges; returns the jobs that are final now.

    Subscribers that Webex answered with come in together. Should one of them be more than we can
    bear, each is brought in alone, so that only its own job suffers.

    Raises:
        OperationalError, InterfaceError: PostgreSQL was lost on the way; to be tried again.
    """
    usual = [one for one in outcomes if _has_subscriber(one)]
    try:
        if usual:
            _merge(usual)
    except (OperationalError, InterfaceError):
        raise  # of the connection, not of the answers: the caller tries again
    except Exception:
        logger.exception("a group could not be recorded")
        for one in usual:
            _record_alone(one, _merge_one)
    for one in outcomes:
        if one not in usual:
            _record_alone(one, _record_one)
    return [one.job for one in outcomes if not one.job.is_unfinished]


def _has_subscriber(outcome: Outcome) -> bool:
    return isinstance(outcome.result, RemoteSubscriber) and not outcome.exchange.is_probe


def _record_alone(outcome: Outcome, act: Callable[[Outcome], None]) -> None:
    """One at a time; an error nobody foresaw makes the job that of a dead worker."""
    job = outcome.job
    try:
        act(outcome)
    except leases.LeaseLost:
        pass  # told when it was noticed
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("job broke off", extra={"job_id": job.pk})
        leases.mark_crashed(job, now=timing.now())
        job.refresh_from_db(fields=["state"])


def _merge_one(outcome: Outcome) -> None:
    _merge([outcome])


def _merge(outcomes: Sequence[Outcome]) -> None:
    """Webex holds these subscribers, as they are: then each job waits or ends."""
    now = timing.now()
    connection = outcomes[0].job.connection
    answers = [
        Answer(one.result, one.exchange.asked_at, cause=Cause.JOB, job=one.job)
        for one in outcomes
        if isinstance(one.result, RemoteSubscriber)
    ]
    with transaction.atomic():
        ids = merge.apply_answers(connection, answers, now=now)
        rows = sql.by_id(Subscriber, ids)
        ends = []
        for outcome, key in zip(outcomes, ids, strict=True):
            job, row = outcome.job, rows.get(key or 0)
            if row is not None:
                _attach(job, row)
                if job.state != JobState.WAITING:
                    shown_status.clear_own_errors(row, now=now)
            if ending := _ending(outcome, row):
                completion.set_ending(job, ending, now=now)
                ends.append((job, ending))
            else:
                leases.to_wait(job, not_before=now + scaled(_poll_after(job)))
        kept = leases.release([outcome.job for outcome in outcomes])
        for job, ending in ends:
            if job in kept:
                failure_policy.after_end(job, ending, now)


def _ending(outcome: Outcome, row: Subscriber | None) -> Ending | None:
    """Does the answer tell how the job ended? Not while Webex works, nor in a status that we do
    not know, nor when our row knows better: one of the two is of the past, so ask again.
    """
    remote, job = outcome.result, outcome.job
    if not isinstance(remote, RemoteSubscriber) or remote.status not in SETTLED:
        return None
    if row is None:
        return Ending(JobState.DONE) if job.state != JobState.WAITING else None
    if (row.backend_status, row.package) != (remote.status, remote.package):
        return None
    return completion.ending_of(row, job)


def _attach(job: Job, row: Subscriber) -> None:
    if job.subscriber_id != row.pk:
        if job.subscriber_id is None:
            Job.objects.filter(pk=job.pk).update(subscriber_id=row.pk)
        job.subscriber_id = job.subscriber_id or row.pk
    if job.subscriber_id == row.pk:
        job.subscriber = row
    if job.template_id == row.template_id:
        row.template = job.template


def _record_one(outcome: Outcome) -> None:
    job, error = outcome.job, outcome.error
    now = timing.now()
    if isinstance(error, WebexError):
        failure_policy.apply(job, error)
    elif error is not None:
        logger.error("exchange broke off", exc_info=error, extra={"job_id": job.pk})
        leases.mark_crashed(job, now=now)
    elif outcome.exchange.is_probe and job.state == JobState.QUEUED:
        leases.requeue(job, not_before=now, reason="")
        leases.release_one(job)
    elif outcome.exchange.is_probe and isinstance(outcome.result, RemoteSubscriber):
        _merge([outcome])
    elif isinstance(outcome.result, Gone):
        _gone(job, outcome, now)
    elif job.state == JobState.WAITING:
        leases.to_wait(job, not_before=now + scaled(_poll_after(job)))
        leases.release_one(job)
    else:
        failure_policy.did_not_happen(job, now)


def _gone(job: Job, outcome: Outcome, now: datetime) -> None:
    """The subscriber does not exist any more, as it should be: the end, or half of it."""
    names = [step.name for step in operations.steps(job, now)]
    place = names.index(outcome.exchange.step.name)
    if place + 1 < len(names):
        _half_done(job, names[place + 1], now)
        return
    with transaction.atomic():
        completion.finish(job, Ending(JobState.DONE), now=now)
        if job.subscriber:
            shown_status.mark_deleted(
                job.subscriber, now=now, by=job.requested_label, here=True, job=job
            )


def _half_done(job: Job, following: str, now: datetime) -> None:
    """DELETE is done, POST comes: the row keeps its place without a Webex ID."""
    with transaction.atomic():
        leases.next_step(job, step=following, now=now)
        leases.release_one(job)
        if job.subscriber:
            Subscriber.objects.filter(pk=job.subscriber.pk).update(webex_id=None)


def _poll_after(job: Job) -> float:
    polls = job.polls if job.state == JobState.WAITING else -1
    return POLL_SECONDS[min(polls + 1, len(POLL_SECONDS) - 1)]
