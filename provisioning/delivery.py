"""Running a claimed job: intent, request, outcome. HTTP happens outside every transaction."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts import secrets
from accounts.models import Health
from provisioning import codes, gate, operations, outbox, projection
from provisioning.backend import client_for
from provisioning.models import Cause, Job
from provisioning.operations import Gone, Result, Step
from provisioning.outbox import Ending, scaled
from provisioning.projection import Answer
from provisioning.states import UNSETTLED, JobKind, JobState
from webex.client import WebexClient
from webex.errors import (
    Conflict,
    Locked,
    NotFound,
    NotSent,
    Throttled,
    TokenRefused,
    Unknown,
    WebexError,
)
from webex.payloads import RemoteSubscriber

logger = logging.getLogger(__name__)

MAX_SENDS = 8
#: A row that is provisioning or updating for us is asked after 1, 2, 4, 8, then every 15 s.
POLL_SECONDS = [1.0, 2.0, 4.0, 8.0, 15.0]
HELD_SECONDS = 60.0


def deliver(job_id: int) -> bool:
    """Claim the job and bring it one step on; False when it was not ours to do.

    Doubled hints are harmless: only one claim wins. An error nobody foresaw is logged, and the
    job is treated as that of a dead worker, at once.
    """
    job = outbox.claim(job_id, timezone.now())
    if job is None:
        return False
    try:
        _run(job)
    except outbox.LeaseLost:
        logger.warning("lease lost", extra={"job_id": job.pk})
    except Exception:
        logger.exception("job broke off", extra={"job_id": job.pk})
        outbox.crashed(job, now=timezone.now())
    return True


def _run(job: Job) -> None:
    try:
        client = client_for(job.connection)
    except secrets.Unsealable:
        _hold(job, "the token cannot be read with the keys configured here")
        return
    if job.state == JobState.WAITING:
        _guarded(job, lambda: _poll(job, client))
        return
    steps = operations.steps(job)
    done = _done_before(job, steps)
    for step in steps[done:]:
        checking = job.state == JobState.CHECKING
        result = _guarded(job, partial(_take, job, client, step, ask=checking))
        if result is None:
            return
        if step is not steps[-1]:
            _half_done(job, steps[steps.index(step) + 1])
            continue
        _accepted(job, result)


def _done_before(job: Job, steps: list[Step]) -> int:
    names = [step.name for step in steps]
    return names.index(job.step) if job.step in names else 0


def _take(job: Job, client: WebexClient, step: Step, *, ask: bool) -> Result:
    """Send a step, or, when it was sent with unknown outcome, find out first."""
    if ask:
        found = step.happened(client)
        if found is not None:
            return found
        if job.deadline_at <= timezone.now():
            raise _Over(codes.EXPIRED)
    if job.sends >= MAX_SENDS:
        raise _Over(codes.GAVE_UP)
    outbox.commit_intent(
        job,
        step=step.name,
        body_hash=step.body_hash,
        now=timezone.now(),
        before=operations.before_send(job),
    )
    started = time.monotonic()
    result = _send(job, client, step)
    took = int((time.monotonic() - started) * 1000)
    gate.note_health(job.connection, Health.OK, now=timezone.now(), answer_ms=took)
    return result


def _send(job: Job, client: WebexClient, step: Step) -> Result:
    try:
        return step.send(client)
    except Conflict:
        # 409: it may be our own request that arrived before; look at what is there.
        found = step.happened(client) if job.sends > 1 else None
        if found is None:
            raise
        return found


class _Over(Exception):
    """Sent as often as we dare, or the time is over; carries our code."""


def _guarded(job: Job, act: Callable[[], Result | None]) -> Result | None:
    """Run `act` and give every kind of failure its consequence (reliability.md 2.6)."""
    try:
        return act()
    except _Over as over:
        _fail(job, Ending(JobState.FAILED, str(over), _last_words(job)))
    except WebexError as error:
        consequence = next(act for kind, act in _CONSEQUENCES.items() if isinstance(error, kind))
        consequence(job, error)
    return None


# ---- Good ends ----


def _accepted(job: Job, result: Result) -> None:
    """The last step is answered: bring the answer in, then wait or finish."""
    now = timezone.now()
    if isinstance(result, Gone):
        _deleted(job, now)
        return
    with transaction.atomic():
        answer = Answer(result, job.intent_at or now, cause=Cause.JOB, job=job)
        row = projection.apply_answer(job.connection, answer, now=now)
        if row is not None:
            _attach(job, row.pk)
            projection.clear_own_errors(row, now=now)
        if (row.backend_status if row else result.status) in UNSETTLED:
            outbox.to_wait(job, not_before=now + scaled(_poll_after(job)))
            return
        ending = projection.ending_of(row, job) if row else Ending(JobState.DONE)
        _end(job, ending, now)


def _attach(job: Job, subscriber_id: int) -> None:
    if job.subscriber_id is None:
        Job.objects.filter(pk=job.pk).update(subscriber_id=subscriber_id)
        job.subscriber_id = subscriber_id


def _deleted(job: Job, now: datetime) -> None:
    with transaction.atomic():
        outbox.finish(job, Ending(JobState.DONE), now=now)
        if job.subscriber:
            projection.mark_deleted(
                job.subscriber, now=now, by=job.requested_label, here=True, job=job
            )


def _half_done(job: Job, following: Step) -> None:
    """DELETE is done, POST comes: the row keeps its place without a Webex ID."""
    with transaction.atomic():
        outbox.next_step(job, step=following.name)
        if job.subscriber:
            type(job.subscriber).objects.filter(pk=job.subscriber.pk).update(webex_id=None)


def _poll(job: Job, client: WebexClient) -> None:
    """Ask how far Webex is."""
    asked_at = timezone.now()
    remote = _ask(job, client)
    with transaction.atomic():
        row = None
        if remote is not None:
            answer = Answer(remote, asked_at, cause=Cause.JOB, job=job)
            row = projection.apply_answer(job.connection, answer, now=timezone.now())
        if row is None or row.backend_status in UNSETTLED:
            outbox.to_wait(job, not_before=timezone.now() + scaled(_poll_after(job)))
        else:
            _end(job, projection.ending_of(row, job), timezone.now())


def _ask(job: Job, client: WebexClient) -> RemoteSubscriber | None:
    """The subscriber, by ID when we have one, else by the key of the request."""
    if job.subscriber and job.subscriber.webex_id:
        return client.get_subscriber(job.subscriber.webex_id)
    found = operations.steps(job)[-1].happened(client)
    return None if isinstance(found, Gone) else found


def _poll_after(job: Job) -> float:
    polls = job.polls if job.state == JobState.WAITING else -1
    return POLL_SECONDS[min(polls + 1, len(POLL_SECONDS) - 1)]


# ---- Other ends ----


def _end(job: Job, ending: Ending, now: datetime) -> None:
    outbox.finish(job, ending, now=now)
    if ending.state == JobState.FAILED and job.subscriber:
        projection.note_job_error(job.subscriber, ending, job, now=now)


def _fail(job: Job, ending: Ending) -> None:
    with transaction.atomic():
        _end(job, ending, timezone.now())


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
    _fail(job, _ending(error))


def _hold(job: Job, reason: str) -> None:
    """Token trouble holds the connection, not the job: operations must act."""
    now = timezone.now()
    until = now + scaled(HELD_SECONDS)
    gate.note_health(job.connection, Health.HELD, now=now, text=reason)
    gate.close(job.connection, until=until, reason=reason)
    _again(job, until, reason)


def _again(job: Job, when: datetime, reason: str) -> None:
    """Certainly not processed: the state from before this claim, later."""
    if job.state == JobState.WAITING:
        outbox.to_wait(job, not_before=when)
    elif job.state == JobState.CHECKING:
        outbox.to_check(job, not_before=when, reason=reason)
    else:
        outbox.put_back(job, not_before=when, reason=reason)


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
        outbox.to_wait(job, not_before=now + scaled(_backoff(job)))
        return
    if job.state == JobState.CHECKING:
        when = now + scaled(_backoff(job))
    else:
        when = (job.intent_at or now) + scaled(outbox.QUIET_SECONDS)
    outbox.to_check(job, not_before=when, reason="the answer did not arrive")


def _not_found(job: Job, error: WebexError) -> None:
    """The subscriber is gone behind our back: an update fails, a wait ends."""
    if job.kind in (JobKind.PROVISION, JobKind.RETRY) and job.state != JobState.WAITING:
        _fail(job, _ending(error))
        return
    now = timezone.now()
    with transaction.atomic():
        outbox.finish(job, Ending(JobState.FAILED, codes.GONE, error.text), now=now)
        if job.subscriber:
            projection.mark_deleted(job.subscriber, now=now, by="Webex", here=False, job=job)


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
    TokenRefused: lambda job, _error: _hold(job, "Webex refuses the token"),
    Unknown: _unknown,
    NotFound: _not_found,
    WebexError: _refused,
}
