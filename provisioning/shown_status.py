"""The shown row: status and error as they are derived, and the changes of them that come from us.

What the backend says comes in by projection/merge.py, which derives by the same SQL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from provisioning.models import Cause, Job, StatusEvent, Subscriber

#: The status on the screen. It is the backend's own, but for one: while a confirmation of ours is
#: open, "waiting for an address" is shown as "waiting for the confirmation" (the backend cannot
#: know of our mail).
_STATUS = """
    CASE WHEN r.backend_status = 'pending_email_input' AND EXISTS (
        SELECT FROM provisioning_activation run
         WHERE run.subscriber_id = r.id AND run.state = 'mail_sent'
    ) THEN 'pending_email_validation' ELSE r.backend_status END
"""
#: The newest of the three errors; of two with one time the first named.
_ERROR = """
    CASE WHEN r.job_error = '{}' AND r.activation_error = '{}' THEN r.backend_error ELSE (
        SELECT kept.error
          FROM (VALUES (1, r.backend_error), (2, r.job_error), (3, r.activation_error))
            AS kept (place, error)
         WHERE kept.error <> '{}'
         ORDER BY (kept.error ->> 'at')::timestamptz DESC, kept.place LIMIT 1
    ) END
"""
#: When an event is written, in SQL: by then its row is held. A `now` that was read before the wait
#: for the row, or from another machine's clock, may be earlier than the event of whoever had it.
TOLD_AT = "statement_timestamp()"
#: What is shown of `d`, one of the rows of derive().
SHOWN = {
    "status": "d.shown_status",
    "error_code": "COALESCE(d.shown_error ->> 'code', '')",
    "error_text": "COALESCE(d.shown_error ->> 'text', '')",
    "error_tracking_id": "COALESCE(d.shown_error ->> 'tracking_id', '')",
    "error_at": "(d.shown_error ->> 'at')::timestamptz",
}


def derive(rows: str) -> str:
    """SQL for the rows of a relation with what they show, as `shown_status` and `shown_error`.

    The relation has the columns id, backend_status, backend_error, job_error, activation_error.
    Lock the rows in a statement of its own before: only a later one sees all that led up to them.
    """
    return f"SELECT r.*, {_STATUS} AS shown_status, {_ERROR} AS shown_error FROM {rows} r"  # noqa: S608 - own words


_LOCK = "SELECT id FROM provisioning_subscriber WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_STORE = f"""
    WITH noted AS (
        SELECT s.id, s.backend_status, s.backend_error,
               COALESCE(%(job_error)s, s.job_error) AS job_error,
               COALESCE(%(activation_error)s, s.activation_error) AS activation_error,
               s.status AS old_status, s.error_code AS old_code, s.error_text AS old_text,
               s.error_at AS old_at
          FROM provisioning_subscriber s WHERE s.id = ANY(%(ids)s)
    ), derived AS ({derive("noted")}), judged AS (
        SELECT d.*, ROW (d.old_status, d.old_code, d.old_text, d.old_at) IS DISTINCT FROM ROW (
            {SHOWN["status"]}, {SHOWN["error_code"]}, {SHOWN["error_text"]}, {SHOWN["error_at"]}
        ) AS differs FROM derived d
    ), written AS (
        UPDATE provisioning_subscriber s
           SET job_error = d.job_error, activation_error = d.activation_error,
               {", ".join(f"{name} = {value}" for name, value in SHOWN.items())},
               last_change_at = CASE WHEN d.differs THEN GREATEST(%(now)s, s.last_change_at)
                                     ELSE s.last_change_at END,
               version = s.version + 1
          FROM judged d WHERE s.id = d.id
        RETURNING s.id, s.status, s.error_code, s.error_text, s.error_tracking_id,
                  d.old_status, d.differs
    )
    INSERT INTO provisioning_statusevent
        (subscriber_id, at, cause, actor_label, what, before, after,
         error_code, text, tracking_id, job_id)
    SELECT id, {TOLD_AT}, %(cause)s, '',
           CASE WHEN error_code <> '' OR error_text <> '' THEN 'error' ELSE 'status' END,
           old_status, status, error_code, error_text, error_tracking_id, %(job)s
      FROM written WHERE differs ORDER BY id
"""  # noqa: S608 - own words


def record_job_error(row: Subscriber, error: dict[str, str], job: Job, *, now: datetime) -> None:
    """A job failed: {"code", "text", "tracking_id", "at"} is kept beside the backend's own."""
    _update(row, now=now, cause=Cause.JOB, job=job, job_error=error)


def record_activation_error(row: Subscriber, error: dict[str, Any], *, now: datetime) -> None:
    """The portal refused: {"code", "text", "tracking_id", "at"} is kept beside the other two."""
    _update(row, now=now, cause=Cause.PORTAL, activation_error=error)


def clear_activation_errors(ids: Sequence[int], *, now: datetime) -> None:
    """What made the portal refuse these subscribers is over."""
    _store(ids, now=now, cause=Cause.PORTAL, activation_error={})


def clear_own_errors(row: Subscriber, *, now: datetime) -> None:
    """An attempt of ours was accepted: what failed before it is history."""
    if row.job_error or row.activation_error:
        _update(row, now=now, cause=Cause.JOB, job_error={}, activation_error={})


def refresh(row: Subscriber, *, now: datetime, cause: Cause = Cause.PORTAL) -> None:
    """Derive the shown status anew, as after a confirmation was opened or closed."""
    _update(row, now=now, cause=cause)


def refresh_all(ids: Sequence[int], *, now: datetime, cause: Cause) -> None:
    """The same for many."""
    _store(ids, now=now, cause=cause)


def _update(row: Subscriber, *, now: datetime, cause: Cause, **values: Any) -> None:
    _store([row.pk], now=now, cause=cause, **values)
    row.refresh_from_db()


def _store(
    ids: Sequence[int],
    *,
    now: datetime,
    cause: Cause,
    job: Job | None = None,
    job_error: dict[str, Any] | None = None,
    activation_error: dict[str, Any] | None = None,
) -> None:
    values: dict[str, Any] = {
        "ids": list(ids),
        "now": now,
        "cause": str(cause),
        "job": job.pk if job else None,
        "job_error": None if job_error is None else json.dumps(job_error),
        "activation_error": None if activation_error is None else json.dumps(activation_error),
    }
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(_LOCK, [values["ids"]])
        cursor.execute(_STORE, values)


def mark_deleted(
    row: Subscriber, *, now: datetime, by: str, here: bool, job: Job | None = None
) -> None:
    """The backend has no such subscriber any more; `here` = one of our people deleted it.

    What our people did counts, also when somebody noticed the deletion before their job ended.
    """
    known = Q(deleted_here=False) if here else Q(deleted_at=None, webex_id=row.webex_id)
    with transaction.atomic():
        changed = Subscriber.objects.filter(known, pk=row.pk).update(
            deleted_at=now,
            deleted_by=by[:200],
            deleted_here=here,
            last_change_at=now,
            version=F("version") + 1,
        )
        if changed:
            StatusEvent.objects.create(
                subscriber=row,
                at=Now(),  # TOLD_AT
                cause=Cause.JOB if here else Cause.SYNC,
                actor_label=by[:200],
                what="deleted",
                before=row.status,
                job=job,
            )
    row.refresh_from_db()


def bump_version(job: Job) -> None:
    """The row on the screen shows its job: let live pages see the change."""
    if job.subscriber_id:
        Subscriber.objects.filter(pk=job.subscriber_id).update(version=F("version") + 1)
