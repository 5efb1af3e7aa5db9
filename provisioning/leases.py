"""Leases: a worker owns a job only while it holds its lease, and moves it on from state to state.

Every write carries the lease's token; one whose lease was lost changes nothing (LeaseLost), so at
most one final state is ever recorded.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import BackendConnection
from provisioning import shown
from provisioning.models import Job
from provisioning.states import TRANSITIONS, UNFINISHED, JobState
from provisioning.timing import LEASE_SECONDS, QUIET_SECONDS, scaled

logger = logging.getLogger(__name__)

MAX_CRASHES = 3


class LeaseLost(Exception):
    """Somebody else owns the job now: stop, write nothing."""


def claim(job_id: int, now: datetime) -> Job | None:
    """Take the lease of a due job; None when it is not due, taken, or its connection is closed.

    The connection's row is locked for the moment of the claim, so that the gate and the number
    in flight hold for all workers together.
    """
    with transaction.atomic():
        job = Job.objects.due(now).filter(pk=job_id).first()
        if job is None:
            return None
        gate = BackendConnection.objects.select_for_update(no_key=True).get(pk=job.connection_id)
        if not _may_send(gate, now):
            return None
        token = uuid.uuid4()
        values: dict[str, Any] = {"lease_token": token, "lease_until": now + scaled(LEASE_SECONDS)}
        if job.state == JobState.QUEUED:
            values |= {"state": JobState.SENDING, "intent_at": None}
        taken = Job.objects.due(now).filter(pk=job_id, state=job.state).update(**values)
        if taken != 1:
            return None
    job = Job.objects.select_related(
        "connection", "connection__partner", "template", "subscriber", "activation"
    ).get(pk=job_id)
    return job if job.lease_token == token else None


def _may_send(gate: BackendConnection, now: datetime) -> bool:
    if gate.not_before and gate.not_before > now:
        return False
    in_flight = Job.objects.filter(
        connection=gate, state__in=UNFINISHED, lease_until__gt=now
    ).count()
    return in_flight < gate.max_in_flight


def commit_intent(
    job: Job, *, step: str, body_hash: str, now: datetime, before: Sequence[Any] | None = None
) -> None:
    """Commit what is about to be sent, before its first byte (invariant I5).

    `before` is what we knew of the subscriber then; by it a later look tells whether it moved.

    Raises:
        LeaseLost: the job is somebody else's by now; nothing may be sent.
    """
    _write(
        job,
        state=JobState.SENDING,
        step=step,
        intent_at=now,
        intent_hash=body_hash,
        sends=F("sends") + 1,
        lease_until=now + scaled(LEASE_SECONDS),
        params=job.params | {"before": before},
    )
    job.intent_at, job.step, job.sends = now, step, job.sends + 1


def next_step(job: Job, *, step: str) -> None:
    """Remember that the first step of a job of two is done; nothing of the next was sent."""
    _write(job, step=step, intent_at=None)
    job.intent_at, job.step = None, step


def put_back(job: Job, *, not_before: datetime, reason: str) -> None:
    """Certainly not processed: queued again, not before a time; the send does not count."""
    values: dict[str, Any] = {"sends": F("sends") - 1} if job.intent_at else {}
    values |= {"not_before": not_before, "polls": F("polls") + 1, "result_text": reason}
    move(job, JobState.QUEUED, intent_at=None, **values)


def to_check(job: Job, *, not_before: datetime, reason: str) -> None:
    """Outcome unknown: ask the backend, after the quiet time, before anything is repeated."""
    move(job, JobState.CHECKING, not_before=not_before, result_text=reason)


def to_wait(job: Job, *, not_before: datetime) -> None:
    """Accepted: Webex is working; ask again at the time given."""
    polls = 0 if job.state != JobState.WAITING else job.polls + 1
    move(job, JobState.WAITING, not_before=not_before, polls=polls, result_text="")


def move(job: Job, state: JobState, **values: Any) -> None:
    """Change the state of a job, and let its lease go.

    Raises:
        LeaseLost: the job is somebody else's by now.
        ValueError: states.TRANSITIONS has no such change.
    """
    old = JobState(job.state)
    if state != old and state not in TRANSITIONS.get(old, frozenset()):
        raise ValueError(f"{old} -> {state} is not a legal change of a job")
    _write(job, **{"state": state, "lease_token": None, "lease_until": None, "crashes": 0} | values)
    job.state = state
    shown.touch(job)
    logger.info("job", extra={"job_id": job.pk, "job_kind": job.kind, "job_state": str(state)})


def _write(job: Job, **values: Any) -> None:
    changed = Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state=job.state).update(
        **values
    )
    if changed != 1:
        raise LeaseLost
    if "state" in values:
        job.state = values["state"]


def crashed(job: Job, *, now: datetime) -> None:
    """Let go of a job at which this worker met an error nobody foresaw: the next sweep treats it
    as that of a dead worker, without waiting for the lease to end.
    """
    Job.objects.filter(pk=job.pk, lease_token=job.lease_token).update(lease_until=now)


def recover_expired(now: datetime) -> list[Job]:
    """Free the jobs of dead workers: back to where they came from, or to checking if an intent
    was committed. Returns the jobs that cost too many workers in a row; the caller ends them.
    """
    poison = []
    expired = Job.objects.filter(state__in=UNFINISHED, lease_until__lte=now)
    for job in expired.select_related("subscriber"):
        job.crashes += 1
        sent = job.intent_at is not None
        values: dict[str, Any] = {"lease_token": None, "lease_until": None, "crashes": job.crashes}
        if job.state == JobState.SENDING and sent:
            quiet = job.intent_at + scaled(QUIET_SECONDS)
            values |= {"state": JobState.CHECKING, "not_before": quiet}
        elif job.state == JobState.SENDING:
            values |= {"state": JobState.QUEUED}
        changed = Job.objects.filter(
            pk=job.pk, state=job.state, lease_token=job.lease_token, lease_until__lte=now
        ).update(**values)
        job.state = values.get("state", job.state)
        if changed and job.crashes >= MAX_CRASHES:
            poison.append(job)
    return poison
