"""How the state machine drives the engine: one turn, one sweep, the death of a worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from django.db import connection as database

from accounts import audit
from accounts.audit import Actor
from accounts.models import AuditEvent, BackendConnection, Partner, User
from provisioning import sweep as sweeping
from provisioning.engine import worker_turn
from provisioning.jobs import leases
from provisioning.models import (
    Activation,
    Heartbeat,
    Job,
    JobBatch,
    JobEvent,
    Mail,
    StatusEvent,
    Subscriber,
    UserCount,
    UserText,
)
from templates_app.models import OnboardingTemplate
from tests.provisioning.model_backend import Client, Killed

TABLES = [
    UserText, UserCount,
    JobEvent, Job, JobBatch, Mail, Activation, StatusEvent, Subscriber, Heartbeat, AuditEvent,
    OnboardingTemplate, User, BackendConnection, Partner,
]  # fmt: skip


class AtOnce:
    """Threads that have always finished: a group's requests go one after the other, so that the
    same history is the same each time.
    """

    def submit(self, act: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(act(*args))
        except Killed as error:
            future.set_exception(error)
        return future


def replacements(client: Client, now: Callable[[], datetime]) -> Iterator[tuple[str, Any]]:
    """What to patch: the client wherever it is made, the clocks, and the messages to Celery."""
    for name, module in list(sys.modules.items()):
        if name.startswith("provisioning.") and hasattr(module, "client_for"):
            yield f"{name}.client_for", lambda *_args, **_options: client
    yield "django.utils.timezone.now", now
    yield "provisioning.timing.now", now
    yield "provisioning.jobs.outbox.publish_all", lambda *_args, **_options: None
    pool = AtOnce()
    yield "provisioning.engine.worker_turn._pool", lambda: pool
    # However slow this machine is: a turn ends when nothing may go out.
    yield "provisioning.engine.worker_turn.TURN_SECONDS", 3600.0


def serve(connection: BackendConnection) -> None:
    """What a worker does in one moment; it may die of it."""
    alive(lambda: worker_turn.serve(connection.pk))


def sweep() -> None:
    """What beat has done every two seconds."""
    alive(sweeping.run)


def alive(act: Callable[[], object]) -> None:
    """Do something as a process that may die of it: its session, and so its locks, die too."""
    try:
        act()
    except Killed:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        leases._numbers.clear()


def written() -> int:
    """A number that is another one after every transaction that wrote something."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def audit_of(job: Job, actor: Actor) -> None:
    """The line of the audit log that the portal writes."""
    audit.record(
        actor, "activation.confirm", job, partner=job.partner, after={"job": str(job.uuid)}
    )
