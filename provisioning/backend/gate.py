"""The gate of a connection: whether, and how many, requests may go out now.

One row that all workers obey (BackendConnection). It holds a time before which nothing is sent
(429, outage, refused token), the rate, the number in flight, and the breaker: after trouble one
request goes first, and only its answer lets the others through. The row is locked for the moment
of a decision, never while a request is under way.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from math import inf

from django.db import connection as database
from django.db import transaction

from accounts.models import BackendConnection, Health
from common import sql
from provisioning import timing
from provisioning.timing import HELD_SECONDS, scaled

#: So many seconds' worth of requests may go out at once after a pause: sweeps come every two.
BURST_SECONDS = 3.0
#: The breaker opens after so many failures in a row to reach the backend at all,
MAX_UNREACHABLE = 5
#: or when half of the answers of so many seconds were unclear, of at least so many.
WINDOW_SECONDS = 30.0
WINDOW_CALLS = 20
#: It asks again after 15 s, then 30, … up to 5 minutes.
RETRY_SECONDS = 15.0
MAX_RETRY_SECONDS = 300.0
#: 403 is an answer to one request; so many in a row mean that the token lost its rights.
MAX_FORBIDDEN = 5
#: A probe that never tells how it went must not keep the gate closed.
PROBE_SECONDS = 20.0
#: The gate's reason while one request goes first.
PROBING = "one request goes first"
#: Answers slower than this are trouble for those who share a worker with the connection.
SLOW_MS = 5000
GATE_FIELDS = [
    *("not_before", "gate_reason", "paid_until", "trips", "unreachable", "forbidden"),
    *("window_at", "window_calls", "window_unclear"),
    *("health", "health_text", "health_at", "answer_ms"),
]


class Closed(Exception):
    """Nothing may be sent now, not before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__("the gate is closed")
        self.until = until


class Trouble(Enum):
    """What a connection did instead of answering clearly."""

    UNREACHABLE = auto()
    UNCLEAR = auto()
    FORBIDDEN = auto()


@dataclass(frozen=True)
class Allowance:
    """How many requests may go out now; a probe goes alone, and no other before its answer."""

    requests: int
    is_probe: bool = False


NOTHING = Allowance(0)


def locked(connection_id: int) -> BackendConnection:
    """The row, held until the transaction ends."""
    [row] = sql.rows(BackendConnection, "WHERE id = %s FOR NO KEY UPDATE", [connection_id])
    return row


def allowance(row: BackendConnection, in_flight: int, now: datetime) -> Allowance:
    """What may be sent, while `in_flight` requests of the connection are under way."""
    if row.not_before and row.not_before > now:
        return NOTHING
    affordable = _affordable(row, now)
    if is_tripped(row):
        return Allowance(min(affordable, 1), is_probe=True)
    return Allowance(max(min(affordable, row.max_in_flight - in_flight), 0))


def is_tripped(row: BackendConnection) -> bool:
    """Its trouble is not known to be over."""
    return bool(row.trips) or row.health == Health.HELD


def is_in_trouble(row: BackendConnection) -> bool:
    """Its requests may take long: it is served apart, so that nobody waits for it."""
    slow = (row.answer_ms or 0) > SLOW_MS
    return is_tripped(row) or bool(row.unreachable or row.window_unclear) or slow


def interval(row: BackendConnection) -> timedelta:
    """The time from one request to the next at the connection's rate."""
    return timedelta(minutes=1) / max(row.requests_per_minute, 1)


def _affordable(row: BackendConnection, now: datetime) -> int:
    """The leaky bucket: how many requests the rate allows at this moment."""
    each = interval(row)
    burst = max(row.max_in_flight, int(BURST_SECONDS / each.total_seconds()))
    paid_until = max(row.paid_until or now, now)
    return max(int((now + burst * each - paid_until) / each), 0)


def spend(row: BackendConnection, requests: int, now: datetime, *, is_probe: bool) -> None:
    """Note that so many are about to go out; the caller saves the row."""
    row.paid_until = max(row.paid_until or now, now) + requests * interval(row)
    if is_probe:
        row.not_before, row.gate_reason = now + scaled(PROBE_SECONDS), PROBING


def save_spent(row: BackendConnection) -> None:
    """Write what `spend` noted."""
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_backendconnection"
            " SET paid_until = %s, not_before = %s, gate_reason = %s WHERE id = %s",
            [row.paid_until, row.not_before, row.gate_reason, row.pk],
        )


def admit(connection_id: int) -> float:
    """Take the right to send one request now, outside of any job.

    Returns 0.0 when it may go out, else the seconds until the rate allows one.

    Raises:
        Closed: nothing of the connection may go out now.
    """
    with transaction.atomic():
        now = timing.now()
        row = locked(connection_id)
        if row.not_before and row.not_before > now:
            raise Closed(row.not_before)
        allowed = allowance(row, 0, now)
        if not allowed.requests:
            return interval(row).total_seconds()
        spend(row, 1, now, is_probe=allowed.is_probe)
        save_spent(row)
        return 0.0


def wait_turn(connection_id: int, until: float = inf) -> bool:
    """Wait until one request may go out, and take its right.

    Returns False when it may not before `until` (of the monotonic clock).

    Raises:
        Closed: nothing of the connection may go out now.
    """
    while seconds := admit(connection_id):
        if time.monotonic() + seconds > until:
            return False
        time.sleep(min(seconds, 1.0))
    return True


def close(connection: BackendConnection, *, until: datetime, reason: str) -> None:
    """Hold everything of a connection until a time; a later time wins."""
    with transaction.atomic():
        row = locked(connection.pk)
        _hold_back(row, until, reason)
        row.save(update_fields=GATE_FIELDS)


def _hold_back(row: BackendConnection, until: datetime, reason: str) -> None:
    if row.not_before is None or row.not_before < until:
        row.not_before, row.gate_reason = until, reason[:200]


def record_throttling(
    connection: BackendConnection, seconds: float, *, status: int = 429
) -> datetime:
    """Webex asked all of us to wait so long, by its own clock; returns until when."""
    with transaction.atomic():
        now = timing.now()
        row = locked(connection.pk)
        until = now + timedelta(seconds=seconds)
        words = "429 Too Many Requests" if status == 429 else f"HTTP {status}"
        _hold_back(row, until, words)
        row.save(update_fields=GATE_FIELDS)
        return until


def hold(connection: BackendConnection, reason: str) -> datetime:
    """The token is of no use: operations must act. Tried again now and then; returns when."""
    with transaction.atomic():
        now = timing.now()
        row = locked(connection.pk)
        until = now + scaled(HELD_SECONDS)
        _set_health(row, Health.HELD, reason, now)
        row.not_before, row.gate_reason = until, reason[:200]
        row.save(update_fields=GATE_FIELDS)
        return until


def record_trouble(connection: BackendConnection, trouble: Trouble, words: str) -> None:
    """Count a request that had no clear answer; the breaker opens when there are too many."""
    with transaction.atomic():
        now = timing.now()
        row = locked(connection.pk)
        _count(row, now, calls=1, unclear=int(trouble is Trouble.UNCLEAR))
        row.unreachable = row.unreachable + 1 if trouble is Trouble.UNREACHABLE else 0
        row.forbidden = row.forbidden + 1 if trouble is Trouble.FORBIDDEN else 0
        if row.forbidden >= MAX_FORBIDDEN:
            _set_health(row, Health.HELD, "Webex forbids everything: check the token's rights", now)
            row.not_before, row.gate_reason = now + scaled(HELD_SECONDS), "403 Forbidden"
        elif trouble is not Trouble.FORBIDDEN:
            _set_health(row, Health.DEGRADED, words, now)
            if row.gate_reason == PROBING or (not row.trips and _is_too_much(row)):
                _trip(row, now, words)
        row.save(update_fields=GATE_FIELDS)


def _is_too_much(row: BackendConnection) -> bool:
    often = row.window_calls >= WINDOW_CALLS and row.window_unclear * 2 >= row.window_calls
    return often or row.unreachable >= MAX_UNREACHABLE


def _trip(row: BackendConnection, now: datetime, words: str) -> None:
    seconds = min(RETRY_SECONDS * 2**row.trips, MAX_RETRY_SECONDS)
    row.trips = min(row.trips + 1, 10)
    row.not_before, row.gate_reason = now + scaled(seconds), words[:200]


def _count(row: BackendConnection, now: datetime, *, calls: int, unclear: int = 0) -> None:
    if row.window_at is None or now - row.window_at > scaled(WINDOW_SECONDS):
        row.window_at, row.window_calls, row.window_unclear = now, 0, 0
    row.window_calls += calls
    row.window_unclear += unclear


def _set_health(row: BackendConnection, health: Health, words: str, now: datetime) -> None:
    row.health, row.health_text, row.health_at = health, words[:300], now


def record_answers(connection: BackendConnection, *, calls: int, answer_ms: int) -> None:
    """Note clear answers: the trouble, if there was one, is over."""
    with transaction.atomic():
        now = timing.now()
        row = locked(connection.pk)
        _count(row, now, calls=calls)
        if row.gate_reason == PROBING:  # others that were under way prove nothing
            row.not_before, row.gate_reason, row.trips = None, "", 0
            row.window_calls = row.window_unclear = 0
        row.unreachable = row.forbidden = 0
        row.answer_ms = answer_ms
        if not row.trips:
            _set_health(row, Health.OK, "", now)
        row.save(update_fields=GATE_FIELDS)


def record_health(
    connection: BackendConnection,
    health: Health,
    *,
    now: datetime,
    text: str = "",
    answer_ms: int | None = None,
) -> None:
    """Remember how a sync did, for the health pages."""
    values = {"health": health, "health_text": text[:300], "health_at": now}
    if answer_ms is not None:
        values["answer_ms"] = answer_ms
    BackendConnection.objects.filter(pk=connection.pk).update(**values)
