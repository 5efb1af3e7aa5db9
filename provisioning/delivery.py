"""Running a claimed job: intent, request, outcome. HTTP happens outside every transaction.

What follows from failures is in consequences.py.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts import secrets
from accounts.models import Health, User
from accounts.rights import Right, may
from provisioning import codes, consequences, endings, gate, leases, operations, projection, shown
from provisioning.backend import client_for
from provisioning.endings import Ending
from provisioning.models import Cause, Job, Subscriber
from provisioning.operations import Gone, Result, Step
from provisioning.projection import Answer
from provisioning.states import SETTLED, JobState
from provisioning.timing import POLL_SECONDS, scaled
from webex.client import WebexClient
from webex.errors import Conflict
from webex.payloads import RemoteSubscriber

logger = logging.getLogger(__name__)

MAX_SENDS = 8


def deliver(job_id: int) -> bool:
    """Claim the job and bring it one step on; False when it was not ours to do.

    Doubled hints are harmless: only one claim wins. An error nobody foresaw is logged, and the
    job is treated as that of a dead worker, at once.
    """
    job = leases.claim(job_id, timezone.now())
    if job is None:
        return False
    try:
        _run(job)
    except leases.LeaseLost:
        logger.warning("lease lost", extra={"job_id": job.pk})
    except Exception:
        logger.exception("job broke off", extra={"job_id": job.pk})
        leases.crashed(job, now=timezone.now())
    return True


def _run(job: Job) -> None:
    try:
        client = client_for(job.connection)
    except secrets.Unsealable:
        consequences.hold(job, "the token cannot be read with the keys configured here")
        return
    if job.state == JobState.WAITING:
        consequences.guarded(job, lambda: _poll(job, client))
        return
    steps = operations.steps(job)
    done = _done_before(job, steps)
    for step in steps[done:]:
        checking = job.state == JobState.CHECKING
        result = consequences.guarded(job, partial(_take, job, client, step, ask=checking))
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
            raise consequences.Over(codes.EXPIRED)
    if job.sends >= MAX_SENDS:
        raise consequences.Over(codes.GAVE_UP)
    if job.sends == 0 and not _asker_may(job):
        raise consequences.Over(codes.ASKER_LEFT)
    leases.commit_intent(
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


def _asker_may(job: Job) -> bool:
    """Whoever asked must still have the right when the first byte is about to go (S4)."""
    if job.requested_by_id is None:
        return True  # the portal's own; its rules are asked when the address is confirmed
    asker = User.objects.get(pk=job.requested_by_id)
    if asker.is_staff and asker.is_active:
        return True
    return asker.partner_id == job.partner_id and may(asker, Right.ACT)


def _send(job: Job, client: WebexClient, step: Step) -> Result:
    try:
        return step.send(client)
    except Conflict:
        # 409: it may be our own request that arrived before; look at what is there.
        found = step.happened(client) if job.sends > 1 else None
        if found is None:
            raise
        return found


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
            shown.clear_own_errors(row, now=now)
        if not _is_settled(row, result):
            leases.to_wait(job, not_before=now + scaled(_poll_after(job)))
            return
        ending = endings.ending_of(row, job) if row else Ending(JobState.DONE)
        consequences.end(job, ending, now)


def _is_settled(row: Subscriber | None, remote: RemoteSubscriber) -> bool:
    """Does the answer tell how the job ended? Not while Webex works, nor in a status that we do
    not know, nor when our row knows better: one of the two is of the past, so ask again.
    """
    is_taken = row is None or (row.backend_status, row.package) == (remote.status, remote.package)
    return is_taken and remote.status in SETTLED


def _attach(job: Job, subscriber_id: int) -> None:
    if job.subscriber_id is None:
        Job.objects.filter(pk=job.pk).update(subscriber_id=subscriber_id)
        job.subscriber_id = subscriber_id


def _deleted(job: Job, now: datetime) -> None:
    with transaction.atomic():
        endings.finish(job, Ending(JobState.DONE), now=now)
        if job.subscriber:
            shown.mark_deleted(job.subscriber, now=now, by=job.requested_label, here=True, job=job)


def _half_done(job: Job, following: Step) -> None:
    """DELETE is done, POST comes: the row keeps its place without a Webex ID."""
    with transaction.atomic():
        leases.next_step(job, step=following.name)
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
        if row is None or remote is None or not _is_settled(row, remote):
            leases.to_wait(job, not_before=timezone.now() + scaled(_poll_after(job)))
        else:
            consequences.end(job, endings.ending_of(row, job), timezone.now())


def _ask(job: Job, client: WebexClient) -> RemoteSubscriber | None:
    """The subscriber, by ID when we have one, else by the key of the request."""
    if job.subscriber and job.subscriber.webex_id:
        return client.get_subscriber(job.subscriber.webex_id)
    found = operations.steps(job)[-1].happened(client)
    return None if isinstance(found, Gone) else found


def _poll_after(job: Job) -> float:
    polls = job.polls if job.state == JobState.WAITING else -1
    return POLL_SECONDS[min(polls + 1, len(POLL_SECONDS) - 1)]
