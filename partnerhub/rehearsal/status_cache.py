"""What every process knows of the rehearsal, so that every page can say that one runs.

Asked for by beat and after each change, kept in the cache (PostgreSQL) for a minute at most, and
in each process for two seconds. Where no simulator is configured, nothing is asked of anybody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError

from common import clock
from partnerhub.rehearsal import simulator_client
from partnerhub.rehearsal.simulator_types import Running, moment

KEY = "rehearsal"
#: Seconds that an answer holds when no newer one comes.
HOLDS = 60
#: Seconds that a process trusts its own memory.
FRESH = 2.0


@dataclass(frozen=True)
class Notice:
    """A rehearsal runs: the scenario's title, or the number of faults; None: until it is ended."""

    title: str
    faults: int
    ends_at: datetime | None
    asked_at: datetime

    def holds(self, now: datetime) -> bool:
        """Tell whether this is still recent enough to be said."""
        return (now - self.asked_at).total_seconds() < HOLDS


@dataclass
class _Memory:
    """Of this process: what was read last, and when (monotonic seconds)."""

    notice: Notice | None = None
    read_at: float = float("-inf")


_memory = _Memory()


def look() -> Running:
    """Ask the simulator now and let every process know; raises control.Away or Refused."""
    asked_at = clock.now()
    running = simulator_client.running()
    _keep(running, asked_at)
    return running


def current() -> Notice | None:
    """The rehearsal that runs, for a page: from memory, or with one cheap query."""
    if not simulator_client.is_configured():
        return None
    if time.monotonic() - _memory.read_at > FRESH:
        _remember(_read())
    return last()


def last() -> Notice | None:
    """The same from memory only, for pages that may ask the database nothing."""
    notice = _memory.notice
    return (
        notice
        if notice and simulator_client.is_configured() and notice.holds(clock.now())
        else None
    )


def forget() -> None:
    """Empty this process's memory."""
    _memory.notice, _memory.read_at = None, float("-inf")


def _keep(running: Running, asked_at: datetime) -> None:
    """Keep an answer, unless a newer one was kept while this one was under way."""
    kept = cache.get(KEY)
    if isinstance(kept, dict) and kept["asked_at"] > asked_at.isoformat():
        return
    value = {
        "asked_at": asked_at.isoformat(),
        "running": running.running,
        "title": running.title,
        "faults": len(running.faults),
        "ends_at": running.ends_at.isoformat() if running.ends_at else "",
    }
    cache.set(KEY, value, HOLDS)
    _remember(_notice(value))


def _read() -> Notice | None:
    try:
        return _notice(cache.get(KEY))
    except (DatabaseError, InterfaceError):
        # The page itself says that the database is away, if it needs it.
        return _memory.notice


def _remember(notice: Notice | None) -> None:
    _memory.notice, _memory.read_at = notice, time.monotonic()


def _notice(value: Any) -> Notice | None:
    if not isinstance(value, dict) or not value["running"]:
        return None
    asked_at = datetime.fromisoformat(value["asked_at"])
    return Notice(value["title"], value["faults"], moment(value["ends_at"]), asked_at)
