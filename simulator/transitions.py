"""Asynchronous status changes: a due time on the row, applied by whoever reads it next.

Nothing ticks. A restart forgets nothing, and no reader ever sees a step that was due before.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator import broadworks, db
from simulator.errors import ErrorBody

#: Columns that an update carries and that become visible with its end.
CHANGEABLE = (
    "first_name",
    "last_name",
    "primary_phone",
    "mobile_phone",
    "extension",
    "timezone",
    "package",
)
# Rows are locked in one order, so that two readers cannot deadlock.
APPLY = """
    WITH due AS (
        SELECT id FROM simulator_subscriber
        WHERE due_at <= %(now)s {and_only} ORDER BY id FOR UPDATE
    ), applied AS (
        UPDATE simulator_subscriber s SET
            status = s.due_status, errors = s.due_errors, {changes},
            person_uid = CASE WHEN s.due_status = 'provisioned'
                              THEN coalesce(s.person_uid, gen_random_uuid())
                              ELSE s.person_uid END,
            last_status_change =
                greatest(s.due_at, s.last_status_change + interval '1 millisecond'),
            due_at = NULL, due_status = '', due_errors = '[]', changes = '{{}}'
        FROM due WHERE s.id = due.id
        RETURNING s.uid, s.account_id, s.status, s.email, s.user_id, s.last_status_change
    )
    INSERT INTO simulator_mail (token, subscriber_uid, account_id, "to", user_id, sent_at)
    SELECT gen_random_uuid(), uid, account_id, email, user_id, last_status_change
    FROM applied WHERE status = 'pending_user_migration'
"""
_CHANGES = ", ".join(f"{name} = coalesce(s.changes->>'{name}', s.{name})" for name in CHANGEABLE)
APPLY_ALL = APPLY.format(and_only="", changes=_CHANGES)
APPLY_SOME = APPLY.format(and_only="AND id = ANY(%(ids)s)", changes=_CHANGES)


@dataclass(frozen=True)
class Step:
    """What awaits a subscriber: the status it will have, its errors, and when."""

    status: str
    due_at: datetime
    errors: list[ErrorBody] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)


def apply_due(now: datetime) -> None:
    """Carry out every step that is due; before any read of several subscribers."""
    broadworks.change_due(now)
    db.execute(APPLY_ALL, {"now": now})


def apply_due_of(ids: Sequence[int], now: datetime) -> None:
    """Carry out what is due on these rows."""
    db.execute(APPLY_SOME, {"now": now, "ids": list(ids)})


def due_in(now: datetime, seconds: Sequence[float], scale: float) -> datetime:
    """Return a due time between the two delays from now, scaled."""
    delay = random.uniform(min(seconds), max(seconds)) * scale  # noqa: S311 - no secret
    milliseconds = round(delay * 1000)
    return now + timedelta(milliseconds=milliseconds)
