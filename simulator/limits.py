"""How many requests a token may make: a bucket that fills by the minute."""

from __future__ import annotations

import math
from datetime import datetime

from simulator import db
from simulator.calls import Call
from simulator.errors import ApiError, ours

TEXT = "Too many requests. Wait before you try again."
FILLED = """
    least(%(burst)s, a.level + %(rate)s *
        greatest(0, extract(epoch FROM %(now)s::timestamptz - a.at)::float8))
"""
#: Takes one if there is one. A millionth less is enough: the level is a floating number.
TAKE = f"""
    INSERT INTO simulator_allowance AS a (token_name, level, at)
    VALUES (%(name)s, %(burst)s - 1, %(now)s)
    ON CONFLICT (token_name) DO UPDATE SET level = {FILLED} - 1, at = greatest(a.at, %(now)s)
    WHERE {FILLED} >= 0.999999 RETURNING level
"""  # noqa: S608 - own words
LEVEL = f"SELECT {FILLED} AS level FROM simulator_allowance a WHERE token_name = %(name)s"  # noqa: S608


def require_allowance(call: Call) -> None:
    """Take one request from the token's allowance; raises ApiError 429 when there is none.

    Costs nothing for an account without `requests_per_minute`.
    """
    settings = call.caller.settings
    if settings.requests_per_minute is None:
        return
    rate = settings.requests_per_minute
    if seconds := seconds_to_wait(call.token_name, rate, settings.burst, call.now):
        raise ApiError(429, [ours(TEXT)], headers={"Retry-After": str(seconds)})


def seconds_to_wait(name: str, per_minute: float, burst: float, now: datetime) -> int:
    """Take one from the bucket of this name; 0: taken, else whole seconds until there is one."""
    rate = max(per_minute, 0.001) / 60
    values = {"name": name, "rate": rate, "burst": max(burst, 1.0), "now": now}
    if db.one(TAKE, values):
        return 0
    row = db.one(LEVEL, values)
    missing = 1 - row["level"] if row else 0.0
    return max(1, math.ceil(missing / rate))
