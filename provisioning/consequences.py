"""What follows from each kind of failure of a job (reliability.md 2.6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Health
from provisioning import codes, endings, gate, leases, shown
from provisioning.endings import Ending
from provisioning.models import Job
from provisioning.operations import Result
from provisioning.states import JobKind, JobState
from provisioning.timing import HELD_SECONDS, QUIET_SECONDS, scaled
from webex.errors import (
    Locked,
    NotFound,
    NotSent,
    Throttled,
    TokenRefused,
    Unknown,
    WebexError,
)


class Over(Exception):
    """Sent as often as we dare, or the time is over; carries our code."""


def guarded(job: Job, act: Callable[[], Result | None]) -> Result | None:
    """Run `act` and give every kind of failure its consequence."""
    try:
        return act()
    except Over as over:
        _fail(job, Ending(JobState.FAILED, str(over), _last_words(job)))
    except WebexError as error:
        consequence = next(act for kind, act in _CONSEQUENCES.items() if isinstance(error, kind))
        consequence(job, error)
    return None


def end(job: Job, ending: Ending, now: datetime) -> None:
    """End a job that this worker holds; its error, if any, is shown on the user's row."""
    endings.finish(job, ending, now=now)
    if ending.state == JobState.FAILED and job.subscriber:
        shown.note_job_error(job.subscriber, ending.error(now), job, now=now)


def _fail(job: Job, ending: Ending) -> None:
    with transaction.atomic():
        end(job, ending, timezone.now())


def _ending(error: WebexError) -> Ending:
    return Ending(
        JobState.FAILED,
        code=error.code or codes.REFUSED,
        text=error.text or f"HTTP {error.status}",
        tracking_id=error.tracking_id or "",
        http_status=error.status,
    )


def _not_sent(job: Job, error: WebexError) -> None:
    """Nothing left us: the backend cannot be reached. The whole connection pauses a little."""
    now = timezone.now()
    gate.note_health(job.connection, Health.DEGRADED, now=now, text="cannot be reached")
    gate.close(job.connection, until=now + scaled(3), reason="cannot be reached")
    _again(job, now + scaled(_backoff(job)), "Webex cannot be reached")


def _throttled(job: Job, error: WebexError) -> None:
    """429: not processed; nobody sends for this connection before the time is over."""
    until = timezone.now() + scaled(error.retry_after or 30)
    gate.close(job.connection, until=until, reason="429 Too Many Requests")
    _again(job, until, "Webex asks us to slow down")


def _locked(job: Job, error: WebexError) -> None:
    """423: this one user is busy at Webex; not processed."""
    when = timezone.now() + scaled(error.retry_after or 30)
    _again(job, when, "Webex works on this user")


def _refused(job: Job, error: WebexError) -> None:
    """A clear no to what we sent. A question that is refused tells nothing of what was sent."""
    if job.state in (JobState.WAITING, JobState.CHECKING):
        when = timezone.now() + scaled(_backoff(job))
        _again(job, when, f"Webex refuses to say what happened (HTTP {error.status})")
        return
    _fail(job, _ending(error))


def hold(job: Job, reason: str) -> None:
    """Token trouble holds the connection, not the job: operations must act."""
    now = timezone.now()
    until = now + scaled(HELD_SECONDS)
    gate.note_health(job.connection, Health.HELD, now=now, text=reason)
    gate.close(job.connection, until=until, reason=reason)
    _again(job, until, reason)


def _again(job: Job, when: datetime, reason: str) -> None:
    """Certainly not processed: the state from before this claim, later."""
    if job.state == JobState.WAITING:
        leases.to_wait(job, not_before=when)
    elif job.state == JobState.CHECKING:
        leases.to_check(job, not_before=when, reason=reason)
    else:
        leases.put_back(job, not_before=when, reason=reason)


def _unknown(job: Job, error: WebexError) -> None:
    """The request may have worked: quiet time, then ask. A question is just asked again."""
    now = timezone.now()
    gate.note_health(
        job.connection, Health.DEGRADED, now=now, text=f"unclear answer ({error.status or 'none'})"
    )
    if error.retry_after:
        until = now + scaled(error.retry_after)
        gate.close(job.connection, until=until, reason=f"HTTP {error.status}")
    if job.state == JobState.WAITING:
        leases.to_wait(job, not_before=now + scaled(_backoff(job)))
        return
    if job.state == JobState.CHECKING:
        when = now + scaled(_backoff(job))
    else:
        when = (job.intent_at or now) + scaled(QUIET_SECONDS)
    leases.to_check(job, not_before=when, reason="the answer did not arrive")


def _not_found(job: Job, error: WebexError) -> None:
    """The subscriber is gone behind our back: an update fails, a wait ends."""
    if job.kind in (JobKind.PROVISION, JobKind.RETRY) and job.state != JobState.WAITING:
        _refused(job, error)
        return
    now = timezone.now()
    with transaction.atomic():
        endings.finish(job, Ending(JobState.FAILED, codes.GONE, error.text), now=now)
        if job.subscriber:
            shown.mark_deleted(job.subscriber, now=now, by="Webex", here=False, job=job)


def _last_words(job: Job) -> str:
    return job.result_text or "sent too often without a clear answer"


def _backoff(job: Job) -> float:
    """Full jitter, growing with the tries: uniform(0, min(300, 2 * 2^n)) seconds."""
    tries = min(job.sends + job.polls + job.crashes, 10)
    return random.uniform(0.5, min(300.0, 2.0 * 2**tries))  # noqa: S311 -- no secret


#: What follows from each kind of failure; asked in this order.
_CONSEQUENCES: dict[type[WebexError], Callable[[Job, WebexError], None]] = {
    NotSent: _not_sent,
    Throttled: _throttled,
    Locked: _locked,
    TokenRefused: lambda job, _error: hold(job, "Webex refuses the token"),
    Unknown: _unknown,
    NotFound: _not_found,
    WebexError: _refused,
}
