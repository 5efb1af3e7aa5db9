"""A subscriber that is under way and may not be touched meanwhile: 423, if the account says so."""

from __future__ import annotations

import math
from datetime import datetime

from simulator.calls import Call
from simulator.db import Row
from simulator.errors import ApiError, ours

UNDER_WAY = frozenset({"provisioning", "updating"})


def require_unlocked(call: Call, row: Row) -> None:
    """Raise ApiError 423 for a subscriber under way, with Retry-After where its end is known.

    "The requested resource is temporarily unavailable. A Retry-After header may be present that
    specifies how many seconds you need to wait" (published document). When Webex answers so is
    not documented; hence it is a setting of the account (`busy`).
    """
    if call.caller.settings.busy != "locked" or row["status"] not in UNDER_WAY:
        return
    headers = {"Retry-After": str(seconds)} if (seconds := _seconds_left(call.now, row)) else {}
    text = f"The subscriber is {row['status']}. Try again once that has ended."
    raise ApiError(423, [ours(text)], headers)


def _seconds_left(now: datetime, row: Row) -> int:
    """Return whole seconds until the step ends, 0 when nothing is due."""
    due_at = row["due_at"]
    if isinstance(due_at, str):  # a row that came as JSON
        due_at = datetime.fromisoformat(due_at)
    return max(1, math.ceil((due_at - now).total_seconds())) if due_at else 0
