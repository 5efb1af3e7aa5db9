"""How many requests a token may make: a bucket that fills by the minute."""

from __future__ import annotations

from simulator.calls import Call


def require_allowance(call: Call) -> None:
    """Take one request from the token's allowance; raises ApiError 429 when there is none."""
