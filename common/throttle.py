"""Counting throttles in PostgreSQL: exact across processes, and alive with Redis down (S10)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from common import clock
from common.models import ThrottleCount

_TAKE = """
INSERT INTO throttle_count AS t (key, count, started_at, expires_at)
VALUES (%(key)s, 1, %(now)s, %(end)s)
ON CONFLICT (key) DO UPDATE SET
  count = CASE WHEN t.expires_at <= %(now)s THEN 1 ELSE t.count + 1 END,
  started_at = CASE WHEN t.expires_at <= %(now)s THEN %(now)s ELSE t.started_at END,
  expires_at = CASE WHEN t.expires_at <= %(now)s THEN %(end)s ELSE t.expires_at END
WHERE t.expires_at <= %(now)s OR t.count < %(limit)s
RETURNING count
"""


@dataclass(frozen=True)
class Limit:
    """At most `count` times in `seconds`."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read "20/900" as 20 times in 900 seconds."""
        count, _, seconds = text.partition("/")
        return cls(int(count), int(seconds))


def take(scope: str, *parts: str, limit: Limit, now: datetime | None = None) -> bool:
    """Count one use of (scope, parts); False when the limit was reached already.

    One statement decides, so parallel requests cannot pass more than the limit together.
    """
    if limit.count < 1:
        return False
    now = now or clock.now()
    values: dict[str, str | int | datetime] = {
        "key": key_of(scope, *parts),
        "now": now,
        "end": now + timedelta(seconds=limit.seconds),
        "limit": limit.count,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        return cursor.fetchone() is not None


def give_back(scope: str, *parts: str) -> None:
    """Undo one `take` that turned out to have had no effect."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE throttle_count SET count = count - 1 WHERE key = %s AND count > 0",
            [key_of(scope, *parts)],
        )


def clear(scope: str, *parts: str) -> None:
    """Start counting from nothing, as after a success."""
    ThrottleCount.objects.filter(key=key_of(scope, *parts)).delete()


def used(scope: str, *parts: str, now: datetime | None = None) -> int:
    """How many uses are counted in the current window."""
    row = ThrottleCount.objects.filter(key=key_of(scope, *parts)).first()
    return row.count if row and row.expires_at > (now or clock.now()) else 0


def key_of(scope: str, *parts: str) -> str:
    """The stored form of a key: hashed, so that the table holds no user IDs or addresses."""
    text = "\x1f".join((scope, *parts))
    return hashlib.sha256(text.encode()).hexdigest()


def forget_expired(now: datetime) -> int:
    """Delete windows that are over; returns how many."""
    deleted, _ = ThrottleCount.objects.filter(expires_at__lt=now).delete()
    return deleted
