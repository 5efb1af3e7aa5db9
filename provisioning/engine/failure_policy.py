"""What follows from each kind of failure, for the connection and for the job."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from provisioning import codes, shown_status, timing
from provisioning.backend import limited_client
from provisioning.engine.exchange import Outcome
from provisioning.jobs import completion, leases
from provisioning.jobs.completion import Ending
from provisioning.kinds import kind_of
from provisioning.models import Job
from provisioning.states import JobState
from provisioning.timing import QUIET_SECONDS, scaled
from webex.errors import (
    Locked,
    NotFound,
    NotSent,
    Throttled,
    TokenRefused,
    Unknown,
    WebexError,
    in_words,
)

# ---- For the connection ----


def report_to_gate(outcome: Outcome) -> bool:
    """Let all workers know at once what this outcome means for them; True: Webex answered."""
    error = outcome.error
    if isinstance(error, WebexError):
        return not limited_client.report_trouble(outcome.job.connection, error)
    return error is None


# ---- For the job ----


def apply(job: Job, error: WebexError) -> None:
    """Bring the job where this failure leads, and let its lease go.

    Raises:
        leases.LeaseLost: the job is somebody else's by now.
    """
    if job.state == JobState.QUEUED:  # it lent itself to a probe: nothing of it was sent
        try_later(job, timing.now() + scaled(_backoff(job)), "Webex is in trouble")
        return
    consequence = next(act for kind, act in _CONSEQUENCES.items() if isinstance(error, kind))
    consequence(job, error)


def did_not_happen(job: Job, now: datetime) -> None:
    """Webex was asked after the quiet time: the request had no effect. It is sent again, unless
    its time is over.
    """
    if job.deadline_at <= now:
        _fail(job, Ending(JobState.FAILED, codes.EXPIRED, job.result_text))
        return
    leases.send_again(job, now=now)
    leases.release_one(job)


def after_end(job: Job, ending: Ending, now: datetime) -> None:
    """What else an end means: the run of the portal that wanted it, the error on the row."""
    completion.end_activation(job, ending, now=now)
    if ending.state == JobState.FAILED and job.subscriber:
        shown_status.record_job_error(job.subscriber, ending.error(now), job, now=now)


def give_up(job: Job, ending: Ending, *, now: datetime) -> None:
    """End a job that no worker holds, unless a worker was quicker."""
    with transaction.atomic():
        if completion.give_up(job, ending, now=now):
            after_end(job, ending, now)


def _fail(job: Job, ending: Ending) -> None:
    now = timing.now()
    with transaction.atomic():
        completion.finish(job, ending, now=now)
        after_end(job, ending, now)


def _ending(error: WebexError) -> Ending:
    return Ending(
        JobState.FAILED,
        code=error.code or codes.REFUSED,
        text=error.text or f"HTTP {error.status}",
        tracking_id=error.tracking_id or "",
        http_status=error.status,
    )


def _not_sent(job: Job, error: WebexError) -> None:
    """Nothing left us: the backend cannot be reached."""
    try_later(job, timing.now() + scaled(_backoff(job)), "Webex cannot be reached")


def _throttled(job: Job, error: WebexError) -> None:
    """429: not processed; nobody sends for this connection before the time is over."""
    try_later(job, _retry_at(error), "Webex asks us to slow down")


def _locked(job: Job, error: WebexError) -> None:
    """423: this one user is busy at Webex; not processed."""
    try_later(job, _retry_at(error), "Webex works on this user")


def _retry_at(error: WebexError) -> datetime:
    """When Webex wants to hear of it again: its own seconds, which no test makes shorter."""
    return timing.now() + timedelta(seconds=error.retry_after or 30)


def _refused(job: Job, error: WebexError) -> None:
    """A clear no to what we sent. A question that is refused tells nothing of what was sent."""
    if job.state in (JobState.WAITING, JobState.CHECKING):
        when = timing.now() + scaled(_backoff(job))
        try_later(job, when, f"Webex refuses to say what happened (HTTP {error.status})")
        return
    _fail(job, _ending(error))


def _token_refused(job: Job, error: WebexError) -> None:
    """Token trouble holds the connection, not the job: it is due as soon as the gate opens."""
    try_later(job, timing.now(), "Webex refuses the token")


def try_later(job: Job, when: datetime, reason: str) -> None:
    """Certainly not processed: the state from before this claim, later."""
    if job.state == JobState.WAITING:
        leases.to_wait(job, not_before=when)
    elif job.state == JobState.CHECKING:
        leases.to_check(job, not_before=when, reason=reason)
    else:
        leases.requeue(job, not_before=when, reason=reason)
    leases.release_one(job)


def _unknown(job: Job, error: WebexError) -> None:
    """The request may have worked: quiet time, then ask. A question is just asked again."""
    now, reason = timing.now(), f"outcome unknown: {in_words(error)}"
    if job.state == JobState.WAITING:
        leases.to_wait(job, not_before=now + scaled(_backoff(job)))
    elif job.state == JobState.CHECKING:
        leases.to_check(job, not_before=now + scaled(_backoff(job)), reason=reason)
    else:
        when = (job.intent_at or now) + scaled(QUIET_SECONDS)
        leases.to_check(job, not_before=when, reason=reason)
    leases.release_one(job)


def _not_found(job: Job, error: WebexError) -> None:
    """The subscriber is gone behind our back: an update fails, a wait ends."""
    if kind_of(job.kind).activates and job.state != JobState.WAITING:
        _refused(job, error)
        return
    now = timing.now()
    with transaction.atomic():
        completion.finish(job, Ending(JobState.FAILED, codes.GONE, error.text), now=now)
        if job.subscriber:
            shown_status.mark_deleted(job.subscriber, now=now, by="Webex", here=False, job=job)


def _backoff(job: Job) -> float:
    """Full jitter, growing with the tries: uniform(0, min(300, 2 * 2^n)) seconds."""
    tries = min(job.sends + job.polls + job.crashes, 10)
    return random.uniform(0.5, min(300.0, 2.0 * 2**tries))  # noqa: S311 -- no secret


#: What follows from each kind of failure; asked in this order.
_CONSEQUENCES: dict[type[WebexError], Callable[[Job, WebexError], None]] = {
    NotSent: _not_sent,
    Throttled: _throttled,
    Locked: _locked,
    TokenRefused: _token_refused,
    Unknown: _unknown,
    NotFound: _not_found,
    WebexError: _refused,
}
