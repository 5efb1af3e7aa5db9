"""Writing a batch's rows, and changing many of them: one statement each, however many they are.

Whoever changes several jobs of a batch holds the batch (`locked`). What the screen shows of a row
is known by its version and the state of its job, so that a new job, or one that is cancelled
unsent, changes no row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection as database

from accounts.audit import Actor
from provisioning.bulk.eligibility import JudgedUser
from provisioning.kinds import kind_of
from provisioning.models import Cause, Job, JobBatch
from provisioning.shown_status import TOLD_AT
from provisioning.states import JobState
from provisioning.timing import DEADLINE_SECONDS

#: So many are tried before the others.
TRIAL_SIZE = 3

#: Jobs go out in the order of the list: each is due a microsecond after the one before.
_INSERT = """
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
            AS r (n integer, id bigint, code text, params jsonb)
    ), made AS (
        INSERT INTO provisioning_job
            (uuid, partner_id, connection_id, template_id, enterprise_id, broadworks_id,
             subscriber_id, batch_id, kind, params, state, priority, step, sends, crashes, polls,
             not_before, held, undo_until, deadline_at, intent_hash, result_code, result_text,
             tracking_id, requested_by_id, requested_label, cancelled_by, created_at, finished_at)
        SELECT gen_random_uuid(), %(partner)s, %(connection)s, %(template)s, s.enterprise_id,
               s.broadworks_id, s.id, %(batch)s, %(kind)s, jsonb_build_object({copied}) || r.params,
               CASE WHEN r.code = '' THEN 'queued' ELSE 'cancelled' END, %(priority)s, '', 0, 0, 0,
               %(due_at)s + r.n * interval '1 microsecond',
               r.code = '' AND r.n > %(free)s, %(undo_until)s, %(deadline_at)s, '', r.code, '',
               '', %(asker)s, %(label)s, '', %(created_at)s,
               CASE WHEN r.code <> '' THEN %(now)s END
          FROM given r JOIN provisioning_subscriber s ON s.id = r.id ORDER BY r.n, r.id
        ON CONFLICT DO NOTHING
        RETURNING id, subscriber_id, state, params
    ), accepted AS (
        SELECT id, subscriber_id, params FROM made WHERE state = 'queued'
    ), told AS (
        INSERT INTO provisioning_statusevent
            (subscriber_id, at, cause, actor_label, what, before, after, error_code, text,
             tracking_id, job_id)
        SELECT subscriber_id, {told_at}, %(cause)s, %(label)s, 'requested',
               COALESCE(params ->> %(before)s, ''), COALESCE(params ->> %(after)s, ''),
               '', %(kind)s, '', id
          FROM accepted
    )
    SELECT subscriber_id FROM accepted
"""
_CANCEL = """
    UPDATE provisioning_job
       SET state = 'cancelled', finished_at = %s, cancelled_by = %s, lease_token = NULL
     WHERE batch_id = %s AND state = 'queued' AND sends = 0 AND lease_until IS NULL
"""
_HOLD = """
    UPDATE provisioning_job SET held = true
     WHERE batch_id = %s AND state = 'queued' AND sends = 0 AND lease_until IS NULL
       AND NOT held
"""
#: Those that come first in the list; none are missed for being locked, no worker takes held ones.
_RELEASE = """
    UPDATE provisioning_job SET held = false
     WHERE id IN (SELECT id FROM provisioning_job
                   WHERE batch_id = %s AND finished_at IS NULL AND held
                   ORDER BY not_before, id LIMIT %s)
"""


class Times(NamedTuple):
    """Of a new batch: the caller's time, PostgreSQL's, and when its first job is due by that."""

    created_at: datetime
    now: datetime
    due_at: datetime


def locked(batch_id: int) -> JobBatch:
    """The batch, held until the transaction ends."""
    batch: JobBatch = JobBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
    return batch


def insert(batch: JobBatch, rows: Sequence[JudgedUser], actor: Actor, times: Times) -> set[int]:
    """Write a job for each row, and its line in the timeline.

    Returns the subscribers whose jobs are queued. One who got an unfinished job elsewhere in this
    very moment is left out without a job.
    """
    values: dict[str, Any] = {
        "rows": json.dumps(_records(rows)),
        "batch": batch.pk,
        "partner": batch.partner_id,
        "connection": batch.connection_id,
        "template": batch.template_id,
        "kind": str(batch.kind),
        "priority": Job.Priority.BATCH.value,
        "free": TRIAL_SIZE,
        "undo_until": batch.undo_until,
        "deadline_at": times.now + timedelta(seconds=DEADLINE_SECONDS),
        "asker": actor.user.pk if actor.user else None,
        "label": actor.label[:200],
        "cause": str(Cause.ADMINISTRATOR),
    }
    kind = kind_of(batch.kind)
    copied = ", ".join(f"'{name}', s.{name}" for name in kind.copied)
    with database.cursor() as cursor:
        cursor.execute(
            _INSERT.format(copied=copied, told_at=TOLD_AT),
            values | kind.shown._asdict() | times._asdict(),
        )
        return {found for (found,) in cursor.fetchall()}


def _records(rows: Sequence[JudgedUser]) -> list[dict[str, object]]:
    """Able rows are numbered from one; the refused have no place in the order."""
    records: list[dict[str, object]] = []
    place = 0
    for row in rows:
        place += not row.code
        n = 0 if row.code else place
        records.append({"n": n, "id": row.user.id, "code": row.code, "params": row.params})
    return records


def cancel(batch: JobBatch, *, by: str, now: datetime) -> int:
    """Cancel the jobs of which nothing was sent and that no worker has taken; returns how many."""
    return _change(_CANCEL, [now, by[:200], batch.pk])


def hold(batch: JobBatch) -> int:
    """Hold back all of which nothing was sent; returns how many were free until now."""
    return _change(_HOLD, [batch.pk])


def release(batch: JobBatch, limit: int | None = None) -> int:
    """Release the first `limit` of the held jobs, or all; returns how many."""
    return _change(_RELEASE, [batch.pk, limit])


def _change(statement: str, values: list[Any]) -> int:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        count: int = cursor.rowcount
        return count


def unsent(batch: JobBatch) -> int:
    """How many jobs nothing was sent of."""
    jobs = Job.objects.filter(batch=batch, state=JobState.QUEUED, sends=0, lease_until=None)
    return jobs.count()
