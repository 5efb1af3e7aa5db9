"""The outbox: accepting jobs, claiming them, and every change of their state.

A job row is written in the transaction that accepts the action. Workers own a job only through
its lease: a write whose lease was lost changes nothing (LeaseLost), so at most one final state
is ever recorded. Celery only carries hints that a job is due.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from accounts.audit import Actor
from accounts.models import BackendConnection
from provisioning import codes
from provisioning.models import Activation, Job, Subscriber
from provisioning.states import (
    TRANSITIONS,
    UNFINISHED,
    ActivationState,
    JobKind,
    JobState,
)
from templates_app.models import OnboardingTemplate

logger = logging.getLogger(__name__)

#: A lease outlives the hard time limit of a task (30 s), so a paused worker is dead before its
#: job is given away.
LEASE_SECONDS = 40.0
#: After a request whose outcome is unknown the backend may still be at work: ask only then.
QUIET_SECONDS = 90.0
#: An administrator's action is given up after a day; a portal user does not wait that long.
DEADLINE_SECONDS = 24 * 3600.0
PORTAL_DEADLINE_SECONDS = 15 * 60.0
MAX_CRASHES = 3
#: What was sent before the deadline may still be asked about for so long after it.
GRACE_SECONDS = QUIET_SECONDS + 60.0

#: A publish must not hold the request: Redis may be away (reliability.md 1, row 8).
_PUBLISH = {
    "max_retries": 0,
    "interval_start": 0,
    "socket_timeout": 0.1,
    "socket_connect_timeout": 0.1,
}


class AlreadyUnfinished(Exception):
    """The user has an unfinished job; it must end first."""

    def __init__(self, job: Job | None) -> None:
        super().__init__("an unfinished job exists")
        self.job = job


class LeaseLost(Exception):
    """Somebody else owns the job now: stop, write nothing."""


@dataclass(frozen=True)
class Target:
    """Which user a job is about; `subscriber` when the row is known."""

    connection: BackendConnection
    template: OnboardingTemplate
    enterprise_id: str
    broadworks_id: str
    subscriber: Subscriber | None = None

    @classmethod
    def of(cls, subscriber: Subscriber) -> Target:
        """The user of a row."""
        return cls(
            connection=subscriber.connection,
            template=subscriber.template,
            enterprise_id=subscriber.enterprise_id,
            broadworks_id=subscriber.broadworks_id,
            subscriber=subscriber,
        )


@dataclass(frozen=True)
class Ending:
    """How a job ended."""

    state: JobState
    code: str = ""
    text: str = ""
    tracking_id: str = ""
    http_status: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def scaled(seconds: float) -> timedelta:
    """A duration of the engine; tests shrink all of them by one factor."""
    return timedelta(seconds=seconds * settings.TIME_SCALE)


# ---- Accepting ----


def enqueue(  # noqa: PLR0913 -- a job needs them all
    kind: JobKind,
    target: Target,
    *,
    actor: Actor,
    now: datetime,
    params: dict[str, Any] | None = None,
    activation: Activation | None = None,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Write the job; call it inside the transaction that accepts the action.

    A submission id that was used before answers the job that it made (double click, back button).

    Raises:
        AlreadyUnfinished: the user has an unfinished job of any kind.
    """
    if submission_id and (known := _submitted(target, submission_id)):
        return known
    seconds = PORTAL_DEADLINE_SECONDS if activation else DEADLINE_SECONDS
    job = Job(
        partner_id=target.connection.partner_id,
        connection=target.connection,
        template=target.template,
        enterprise_id=target.enterprise_id,
        broadworks_id=target.broadworks_id,
        subscriber=target.subscriber,
        activation=activation,
        kind=kind,
        params=params or {},
        deadline_at=now + timedelta(seconds=seconds),
        requested_by=actor.user,
        requested_label=actor.label[:200],
        submission_id=submission_id,
        created_at=now,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if submission_id and (known := _submitted(target, submission_id)):
            return known
        raise AlreadyUnfinished(unfinished(target)) from error
    _touch(job)
    transaction.on_commit(lambda: hint(job), robust=True)
    return job


def unfinished(target: Target) -> Job | None:
    """The unfinished job of the user, if any."""
    return (
        Job.objects.unfinished()
        .filter(
            connection=target.connection,
            template=target.template,
            enterprise_id=target.enterprise_id,
            broadworks_id=target.broadworks_id,
        )
        .first()
    )


def _submitted(target: Target, submission_id: uuid.UUID) -> Job | None:
    return Job.objects.filter(
        partner_id=target.connection.partner_id, submission_id=submission_id
    ).first()


def hint(job: Job) -> None:
    """Tell a worker that a job is due. Losing the hint costs two seconds: beat sweeps."""
    publish("provisioning.deliver", job_id=job.pk)


def publish(task: str, **kwargs: Any) -> None:
    """Publish a task by name with a short limit; a broker that is away is only logged."""
    publish_all(task, [kwargs])


def publish_all(task: str, calls: list[dict[str, Any]]) -> None:
    """Publish several over one connection; the first trouble ends it."""
    try:
        with current_app.connection_for_write(transport_options=_PUBLISH) as broker:
            for kwargs in calls:
                hint_ = current_app.signature(task, kwargs=kwargs)
                hint_.apply_async(connection=broker, retry=False)
    except Exception as error:  # noqa: BLE001 -- whatever the broker does, the row is the truth
        logger.info("hint not published", extra={"task": task, "reason": type(error).__name__})


# ---- Claiming ----


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


# ---- Letting go ----


def put_back(job: Job, *, not_before: datetime, reason: str) -> None:
    """Certainly not processed: queued again, not before a time; the send does not count."""
    values: dict[str, Any] = {"sends": F("sends") - 1} if job.intent_at else {}
    values |= {"not_before": not_before, "polls": F("polls") + 1, "result_text": reason}
    _move(job, JobState.QUEUED, intent_at=None, **values)


def to_check(job: Job, *, not_before: datetime, reason: str) -> None:
    """Outcome unknown: ask the backend, after the quiet time, before anything is repeated."""
    _move(job, JobState.CHECKING, not_before=not_before, result_text=reason)


def to_wait(job: Job, *, not_before: datetime) -> None:
    """Accepted: Webex is working; ask again at the time given."""
    polls = 0 if job.state != JobState.WAITING else job.polls + 1
    _move(job, JobState.WAITING, not_before=not_before, polls=polls, result_text="")


def finish(job: Job, ending: Ending, *, now: datetime) -> None:
    """Record the one final state."""
    _move(job, ending.state, **_result(ending, now))
    _end_activation(job, ending, now=now)


def _result(ending: Ending, now: datetime) -> dict[str, Any]:
    return {
        "finished_at": now,
        "not_before": None,
        "lease_token": None,
        "lease_until": None,
        "result_code": ending.code,
        "result_text": ending.text,
        "tracking_id": ending.tracking_id,
        "http_status": ending.http_status,
    }


def cancel(job: Job, *, now: datetime) -> bool:
    """Cancel a job of which nothing was sent; False when it is too late."""
    changed = Job.objects.filter(pk=job.pk, state=JobState.QUEUED, sends=0).update(
        state=JobState.CANCELLED, finished_at=now, not_before=None
    )
    if changed:
        _touch(job)
        _end_activation(job, Ending(JobState.CANCELLED, codes.SIGN_IN_AGAIN), now=now)
    return bool(changed)


def waiting(subscriber: Subscriber) -> list[Job]:
    """The jobs that wait for the backend's outcome on this subscriber (one at most)."""
    return list(Job.objects.filter(subscriber=subscriber, state=JobState.WAITING))


def settle(job: Job, ending: Ending, *, now: datetime) -> bool:
    """End a waiting job, after an answer of whatever origin told how; its lease dies with it."""
    changed = Job.objects.filter(pk=job.pk, state=JobState.WAITING).update(
        state=ending.state, **_result(ending, now)
    )
    if changed:
        _touch(job)
        _end_activation(job, ending, now=now)
    return bool(changed)


def _end_activation(job: Job, ending: Ending, *, now: datetime) -> None:
    """A run of the portal whose job failed or was cancelled is refused, with the reason."""
    if ending.state == JobState.DONE or job.activation_id is None:
        return
    Activation.objects.filter(pk=job.activation_id, state=ActivationState.CONFIRMED).update(
        state=ActivationState.REFUSED,
        error_code=ending.code,
        error_text=ending.text,
        error_tracking_id=ending.tracking_id,
        error_at=now,
    )


def _move(job: Job, state: JobState, **values: Any) -> None:
    old = JobState(job.state)
    if state != old and state not in TRANSITIONS.get(old, frozenset()):
        raise ValueError(f"{old} -> {state} is not a legal change of a job")
    _write(job, **{"state": state, "lease_token": None, "lease_until": None, "crashes": 0} | values)
    job.state = state
    _touch(job)
    logger.info("job", extra={"job_id": job.pk, "job_kind": job.kind, "job_state": str(state)})


def _write(job: Job, **values: Any) -> None:
    changed = Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state=job.state).update(
        **values
    )
    if changed != 1:
        raise LeaseLost
    if "state" in values:
        job.state = values["state"]


def _touch(job: Job) -> None:
    """The row on the screen shows its job: let live pages see the change."""
    if job.subscriber_id:
        Subscriber.objects.filter(pk=job.subscriber_id).update(version=F("version") + 1)


def crashed(job: Job, *, now: datetime) -> None:
    """Let go of a job at which this worker met an error nobody foresaw: the next sweep treats it
    as that of a dead worker, without waiting for the lease to end.
    """
    Job.objects.filter(pk=job.pk, lease_token=job.lease_token).update(lease_until=now)


# ---- Sweeping ----


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


def overdue(now: datetime) -> list[Job]:
    """Unfinished jobs past their deadline that no worker holds.

    Of those that were sent the backend is asked a little longer.
    """
    over = Q(state=JobState.QUEUED, deadline_at__lte=now)
    over |= Q(deadline_at__lte=now - scaled(GRACE_SECONDS))
    jobs = Job.objects.unfinished().filter(over, lease_until=None)
    return list(jobs.select_related("subscriber"))


def give_up(job: Job, ending: Ending, *, now: datetime) -> bool:
    """End a job that no worker holds; False when a worker was quicker."""
    free = Job.objects.unfinished().filter(lease_until=None, pk=job.pk, state=job.state)
    changed = free.update(state=ending.state, **_result(ending, now))
    if changed:
        _touch(job)
        _end_activation(job, ending, now=now)
    return bool(changed)


def due_ids(now: datetime, limit: int) -> list[int]:
    """Jobs to hint at, leaving out connections whose gate is closed: the oldest of each
    connection, then the second of each, so that no partner's backlog holds up another's.
    """
    place = Window(RowNumber(), partition_by=[F("connection_id")], order_by=["created_at", "pk"])
    due = Job.objects.due(now).exclude(connection__not_before__gt=now)
    ordered = due.annotate(place=place).order_by("place", "created_at")
    return list(ordered.values_list("pk", flat=True)[:limit])
