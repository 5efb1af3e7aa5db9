"""The times of the engine, in seconds, their scale, and the clock that they are measured by."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from common import clock

#: A lease outlives the hard time limit of a task (30 s), so a paused worker is dead before its
#: job is given away.
LEASE_SECONDS = 40.0
#: A request must begin so soon after its lease: with the 15 s that it may take, and some to
#: record its end, it is over before the lease is.
START_SECONDS = 24.5
#: After a request whose outcome is unknown the backend may still be at work: ask only then.
QUIET_SECONDS = 90.0
#: An administrator's action is given up after a day; a portal user does not wait that long.
DEADLINE_SECONDS = 24 * 3600.0
PORTAL_DEADLINE_SECONDS = 15 * 60.0
#: What was sent before the deadline may still be asked about for so long after it.
GRACE_SECONDS = QUIET_SECONDS + 60.0
#: A row that is provisioning or updating for us is asked after 1, 2, 4, 8, then every 15 s.
POLL_SECONDS = [1.0, 2.0, 4.0, 8.0, 15.0]
#: How far the backend's clock may be before ours; more is a clock that will jump back.
AHEAD = timedelta(seconds=10)
#: A connection whose token fails is tried again after so long.
HELD_SECONDS = 60.0


def scaled(seconds: float) -> timedelta:
    """A duration of the engine; tests shrink all of them by one factor."""
    return timedelta(seconds=seconds * settings.TIME_SCALE)


def now() -> datetime:
    """The time by PostgreSQL's clock, asked for anew: leases and intents are compared by it."""
    return clock.read(connection).told
