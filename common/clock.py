"""The time by PostgreSQL's clock, which all processes share; their own may be wrong, or be set.

It is read when a connection begins, ten minutes apart at most in a process that serves, and goes
on by a clock that nobody can set.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.base.base import BaseDatabaseWrapper

#: On Linux one that goes on while the machine sleeps.
_KIND = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Reading(NamedTuple):
    """What PostgreSQL told, and when by this machine's ticks."""

    told: datetime
    ticks: float


_last: dict[str, Reading] = {}


def now() -> datetime:
    """The time now, without a query."""
    reading = _last.get(DEFAULT_DB_ALIAS) or read(connection)
    return reading.told + timedelta(seconds=_ticks() - reading.ticks)


def known() -> datetime:
    """The time now, without a query in any case: for pages that may ask the database nothing."""
    return now() if _last else datetime.now(UTC)


def read(database: Any) -> Reading:
    """Ask PostgreSQL, and go by its answer from now on."""
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        reading = Reading(cursor.fetchone()[0], _ticks())
    _last[DEFAULT_DB_ALIAS] = reading
    return reading


def on_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Read it again with each new connection (Django's `connection_created`)."""
    if connection.alias == DEFAULT_DB_ALIAS:
        read(connection)


def _ticks() -> float:
    return time.clock_gettime(_KIND)
