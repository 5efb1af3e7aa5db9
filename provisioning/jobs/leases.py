"""Leases: a worker owns a job only while it holds its lease, and moves it on from state to state.

Every write carries the lease's token; one whose lease was given to somebody else changes nothing,
so at most one final state is ever recorded. What is written here is what the worker knows of the
job: the fields of its `Job`, changed by the functions below and let go together.
"""

from __future__ import annotations

import json
import logging
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from common import sql
from provisioning.models import Job
from provisioning.states import TRANSITIONS, UNFINISHED, JobState
from provisioning.timing import LEASE_SECONDS, QUIET_SECONDS, scaled

logger = logging.getLogger(__name__)

MAX_CRASHES = 3
#: First half of the advisory locks by which workers show that they live ("PHUS").
LOCK_CLASS = 0x50485553
_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


class LeaseLost(Exception):
    """Somebody else owns the job now: what was to be written is not."""


def owner() -> int:
    """The number of the advisory lock that this worker's session holds as long as it lives.

    PostgreSQL frees it with the session, so that the jobs of a killed worker are found within
    one sweep. It needs a connection of its own, or a pooler that keeps sessions.
    """
    database.ensure_connection()
    session = database.connection
    if session not in _numbers:
        number = secrets.randbelow(2**31)
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, number])
        _numbers[session] = number
    return _numbers[session]


def take(jobs: Sequence[Job], now: datetime) -> uuid.UUID:
    """Lease these jobs, as they stand in memory, intents included; the caller holds their rows."""
    token = uuid.uuid4()
    for job in jobs:
        job.lease_token, job.lease_until = token, now + scaled(LEASE_SECONDS)
        job.lease_owner = owner()
        job.taken_as = job.state
    _write(jobs, "j.lease_until IS NULL")
    return token


def release(jobs: Sequence[Job]) -> list[Job]:
    """Write what became of these jobs and let their leases go; returns those still ours.

    A lease that is over does not matter as long as nobody else took the job: what Webex
    answered is the truth also when it comes late.
    """
    for job in jobs:
        job.lease_until, job.lease_owner = None, None
    mine = "j.lease_token = t.lease_token AND j.state IN (t.taken_as, 'checking')"
    with transaction.atomic():
        _touch(jobs)  # the rows first, as everywhere: who does both must not wait in a circle
        written = _write(jobs, mine, clear_token=True)
    kept = [job for job in jobs if job.pk in written]
    for job in jobs:
        if job.pk not in written:
            logger.warning("lease lost", extra={"job_id": job.pk})
    for job in kept:
        logger.info("job", extra={"job_id": job.pk, "job_kind": job.kind, "job_state": job.state})
    return kept


#: In the order of their ids, as everybody locks who locks several.
_TOUCH = """
    UPDATE provisioning_subscriber s SET version = s.version + 1
      FROM (SELECT id FROM provisioning_subscriber WHERE id = ANY(%(ids)s)
             ORDER BY id FOR NO KEY UPDATE) held
     WHERE s.id = held.id
"""


def _touch(jobs: Sequence[Job]) -> None:
    """The rows on the screen show their jobs: let live pages see the change."""
    ids = [job.subscriber_id for job in jobs if job.subscriber_id]
    if ids:
        sql.prepared(_TOUCH, {"ids": ids})


def release_one(job: Job) -> None:
    """The same for one.

    Raises:
        LeaseLost: the job is somebody else's by now.
    """
    if not release([job]):
        raise LeaseLost


_TEXTS = ("state", "step", "intent_hash", "result_code", "result_text", "tracking_id")
_NUMBERS = ("sends", "crashes", "polls", "http_status", "lease_owner")
_TIMES = ("not_before", "lease_until", "intent_at", "finished_at")
_COLUMNS = (*_TEXTS, *_NUMBERS, *_TIMES)
_RECORD = ", ".join(
    [
        "id bigint",
        "taken_as text",
        "lease_token uuid",
        "params jsonb",
        *(f"{name} text" for name in _TEXTS),
        *(f"{name} integer" for name in _NUMBERS),
        *(f"{name} timestamptz" for name in _TIMES),
    ]
)
_SET = ", ".join([*(f"{name} = t.{name}" for name in _COLUMNS), "params = t.params"])


def _write(jobs: Sequence[Job], condition: str, *, clear_token: bool = False) -> set[int]:
    """Write the engine's columns of all jobs by one statement; returns the ids it changed."""
    if not jobs:
        return set()
    token = "NULL" if clear_token else "t.lease_token"
    statement = f"""
        UPDATE provisioning_job j SET {_SET}, lease_token = {token}
        FROM jsonb_to_recordset(%(records)s) AS t({_RECORD})
        WHERE j.id = t.id AND {condition} RETURNING j.id
    """  # noqa: S608 -- made of this module's own words
    records = json.dumps([_record(job) for job in jobs])
    return {row[0] for row in sql.prepared(statement, {"records": records})}


def _record(job: Job) -> dict[str, Any]:
    record: dict[str, Any] = {name: getattr(job, name) for name in (*_TEXTS, *_NUMBERS)}
    for name in _TIMES:
        at = getattr(job, name)
        record[name] = at.isoformat() if at else None
    token = str(job.lease_token) if job.lease_token else None
    return record | {
        "id": job.pk,
        "taken_as": job.taken_as,
        "lease_token": token,
        "params": job.params,
    }


# ---- What can become of a job that is held ----


def set_intent(job: Job, *, step: str, body_hash: str, now: datetime, before: Any) -> None:
    """What is about to be sent; it is committed before the first byte (invariant I5).

    `before` is what we knew of the subscriber then; by it a later look tells whether it moved.
    """
    move(job, JobState.SENDING)
    job.step, job.intent_at, job.intent_hash = step, now, body_hash
    job.sends += 1
    job.params = job.params | {"before": before}


def requeue(job: Job, *, not_before: datetime, reason: str) -> None:
    """Certainly not processed: queued again, not before a time; the send does not count."""
    if job.state == JobState.SENDING:
        job.sends -= 1
    move(job, JobState.QUEUED)
    job.intent_at, job.polls, job.not_before, job.result_text = (
        None,
        job.polls + 1,
        not_before,
        reason,
    )


def next_step(job: Job, *, step: str, now: datetime) -> None:
    """The first step of a job of two is done; nothing of the next was sent."""
    move(job, JobState.QUEUED)
    job.step, job.intent_at, job.not_before = step, None, now


def send_again(job: Job, *, now: datetime) -> None:
    """Webex says that it did not happen: it may be sent again."""
    move(job, JobState.QUEUED)
    job.intent_at, job.not_before = None, now


def to_check(job: Job, *, not_before: datetime, reason: str) -> None:
    """Outcome unknown: ask the backend, after the quiet time, before anything is repeated."""
    job.polls = job.polls + 1 if job.state == JobState.CHECKING else 0
    move(job, JobState.CHECKING)
    job.not_before, job.result_text = not_before, reason


def to_wait(job: Job, *, not_before: datetime) -> None:
    """Accepted: Webex is working; ask again at the time given."""
    job.polls = job.polls + 1 if job.state == JobState.WAITING else 0
    move(job, JobState.WAITING)
    job.not_before, job.result_text = not_before, ""


#: About to send, and about to send once more: a request that kills workers kills the next one.
_PROVES_NOTHING = {
    (JobState.QUEUED, JobState.SENDING),
    (JobState.CHECKING, JobState.QUEUED),
}


def move(job: Job, state: JobState) -> None:
    """Change the state of a job in memory; `release` writes it.

    Raises:
        ValueError: states.TRANSITIONS has no such change.
    """
    old = JobState(job.state)
    if state != old and state not in TRANSITIONS.get(old, frozenset()):
        raise ValueError(f"{old} -> {state} is not a legal change of a job")
    if (old, state) not in _PROVES_NOTHING:
        job.crashes = 0
    job.state = state


# ---- Dead workers ----


def mark_crashed(job: Job, *, now: datetime) -> None:
    """Let go of a job at which this worker met an error nobody foresaw: the next sweep treats it
    as that of a dead worker, without waiting for the lease to end.
    """
    Job.objects.filter(pk=job.pk, lease_token=job.lease_token).exclude(lease_until=None).update(
        lease_until=now
    )


def recover(now: datetime) -> list[Job]:
    """Free the jobs of dead workers. Returns those that cost too many workers in a row, which the
    caller ends.

    Dead is who no longer holds the lock that it had when it took the job, or whose lease is over.
    """
    leased = Job.objects.filter(state__in=UNFINISHED, lease_until__isnull=False)
    jobs = list(leased.select_related("subscriber"))
    alive = _alive()  # looked up after the jobs: who took one before was alive then
    lost = [job for job in jobs if job.lease_owner not in alive or _is_over(job, now)]
    return [job for job in lost if _free(job) and job.crashes >= MAX_CRASHES]


def _alive() -> set[int]:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND classid = %s AND objsubid = 2 AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK_CLASS],
        )
        return {row[0] for row in cursor.fetchall()}


def _is_over(job: Job, now: datetime) -> bool:
    return job.lease_until is None or job.lease_until <= now


def _free(job: Job) -> bool:
    """Take the lease away: what was sent is checked after the quiet time, all else is due again.

    The token stays, so that the clear answer of a worker that was only slow still counts.
    """
    held = Job.objects.filter(pk=job.pk, lease_token=job.lease_token).filter(
        Q(lease_until=job.lease_until)
    )
    values: dict[str, Any] = {"lease_until": None, "lease_owner": None, "crashes": job.crashes + 1}
    if job.state == JobState.SENDING and job.intent_at:
        values |= {"state": JobState.CHECKING, "result_text": "its worker was lost"}
        values["not_before"] = job.intent_at + scaled(QUIET_SECONDS)
    if held.filter(state=job.state).update(**values) != 1:
        return False
    job.crashes += 1
    job.state = values.get("state", job.state)
    logger.warning("worker lost", extra={"job_id": job.pk, "job_state": job.state})
    return True
