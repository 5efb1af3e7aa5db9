"""The outbox: accepting jobs, and telling the workers that one is due.

A job row is written in the transaction that accepts the action; it is the truth. Celery only
carries hints. What workers do to a job is in leases.py, how it ends in completion.py.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from accounts.audit import Actor
from accounts.models import BackendConnection
from provisioning import shown_status, timing
from provisioning.backend import gate
from provisioning.models import Activation, Job, Subscriber
from provisioning.timing import DEADLINE_SECONDS, PORTAL_DEADLINE_SECONDS
from templates_app.models import OnboardingTemplate

logger = logging.getLogger(__name__)

#: A publish must not hold the request: Redis may be away (reliability.md 1, row 8).
PUBLISH_LIMITS = {
    "max_retries": 0,
    "interval_start": 0,
    "socket_timeout": 0.1,
    "socket_connect_timeout": 0.1,
}


#: Where connections in trouble are served.
TROUBLED_QUEUE = "background"


class AlreadyUnfinished(Exception):
    """The user has an unfinished job; it must end first."""

    def __init__(self, job: Job | None) -> None:
        super().__init__("an unfinished job exists")
        self.job = job


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


def enqueue(  # noqa: PLR0913 -- a job needs them all
    kind: str,
    target: Target,
    *,
    actor: Actor,
    now: datetime,
    params: dict[str, Any] | None = None,
    activation: Activation | None = None,
    submission_id: uuid.UUID | None = None,
    grace: timedelta | None = None,
) -> Job:
    """Write the job; call it inside the transaction that accepts the action.

    During `grace` nothing is sent, and the job can be taken back.

    A submission id that was used before answers the job that it made (double click, back button).

    Raises:
        AlreadyUnfinished: the user has an unfinished job of any kind.
    """
    if submission_id and (known := _submitted(target, submission_id)):
        return known
    seconds = PORTAL_DEADLINE_SECONDS if activation else DEADLINE_SECONDS
    accepted_at = timing.now()  # by the workers' clock, not this process's
    due_at = accepted_at + (grace or timedelta())
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
        deadline_at=accepted_at + timedelta(seconds=seconds),
        requested_by=actor.user,
        requested_label=actor.label[:200],
        submission_id=submission_id,
        created_at=now,
        not_before=due_at,
        undo_until=due_at if grace else None,
    )
    shown_status.bump_version(
        job
    )  # the row first, as everywhere: two who do both must not wait in a circle
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if submission_id and (known := _submitted(target, submission_id)):
            return known
        raise AlreadyUnfinished(unfinished(target)) from error
    connection_id = target.connection.pk
    transaction.on_commit(lambda: hint(connection_id), robust=True)
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


def has_due(connection_id: int) -> bool:
    """Tell whether there is anything to do for this connection."""
    return Job.objects.due(timing.now()).filter(connection=connection_id).exists()


def waiting_connections() -> list[BackendConnection]:
    """The connections that have due jobs and an open gate."""
    now = timing.now()
    due = Job.objects.due(now).filter(connection=OuterRef("pk"))
    is_open = Q(not_before=None) | Q(not_before__lte=now)
    return list(BackendConnection.objects.filter(is_open, Exists(due)))


def hint(connection_id: int) -> None:
    """Tell a worker that a connection has something to do. Losing the hint costs two seconds:
    beat sweeps.
    """
    hint_all(BackendConnection.objects.filter(pk=connection_id))


def hint_all(connections: Iterable[BackendConnection]) -> None:
    """The same for several. A connection in trouble is served by workers of its own: nobody
    else shall wait while it lets us wait.
    """
    calls: dict[str, list[dict[str, Any]]] = {}
    for row in connections:
        queue = TROUBLED_QUEUE if gate.is_in_trouble(row) else ""
        calls.setdefault(queue, []).append({"connection_id": row.pk})
    for queue, some in calls.items():
        publish_all("provisioning.serve", some, queue=queue)


def publish(task: str, **kwargs: Any) -> None:
    """Publish a task by name with a short limit; a broker that is away is only logged."""
    publish_all(task, [kwargs])


def publish_all(task: str, calls: list[dict[str, Any]], *, queue: str = "") -> None:
    """Publish several over one connection; the first trouble ends it."""
    where: dict[str, Any] = {"queue": queue} if queue else {}
    try:
        with current_app.connection_for_write(transport_options=PUBLISH_LIMITS) as broker:
            for kwargs in calls:
                hint_ = current_app.signature(task, kwargs=kwargs)
                hint_.apply_async(connection=broker, retry=False, **where)
    except Exception as error:  # noqa: BLE001 -- whatever the broker does, the row is the truth
        logger.info("hint not published", extra={"task": task, "reason": type(error).__name__})
