"""Misbehaviour on order: which request is struck, by which fault.

A fault stands in a table and is matched in memory; only one that matches costs a statement, which
counts the request. Chance is drawn from the fault's seed, the identity counted by, and the count:
the same seed and the same requests give the same strikes, however many threads there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator import db
from simulator.calls import Call
from simulator.fault import ALL, Fault

COUNT = """
    INSERT INTO simulator_fault_count (fault_id, identity, seen) VALUES (%s, %s, 1)
    ON CONFLICT (fault_id, identity) DO UPDATE SET seen = simulator_fault_count.seen + 1
    RETURNING seen
"""
# The last time that it strikes, every process is told that it is used up.
HIT = """
    WITH hit AS (
        UPDATE simulator_fault SET hits = hits + 1
        WHERE id = %s AND (times IS NULL OR hits < times) RETURNING hits, times
    ), last AS (
        UPDATE simulator_state SET generation = generation + 1
        WHERE id = 1 AND EXISTS (SELECT 1 FROM hit WHERE hits >= times)
    )
    SELECT hits FROM hit
"""


@dataclass(frozen=True)
class Strike:
    """One fault striking one request."""

    fault: Fault
    draw: random.Random
    options: dict[str, Any]  # the fault's, with what was drawn for this request

    @property
    def words(self) -> str:
        """For the request log."""
        return f"{self.fault.id} {self.fault.kind} {db.dumps(self.options)}"


#: Draws the options of a strike, or lets the request go; the kinds' part of the judgement.
Prepare = Callable[[Strike, Call], Strike | None]


def text_of(call: Call) -> str:
    """Return what `contains` looks into: a request's path and body."""
    return f"{call.request.get_full_path()}\n{call.request.body.decode(errors='replace')}"


def _matches(fault: Fault, call: Call) -> bool:
    return (
        fault.is_open(call.now)
        and (ALL in fault.operations or call.operation in fault.operations)
        and fault.token_name in {ALL, call.token_name}
        and (not fault.contains or fault.contains in text_of(call))
    )


def _identity(fault: Fault, call: Call) -> str:
    return "" if fault.count_by == "all" else f"{call.operation} {call.subject}"


def strike(call: Call, faults: tuple[Fault, ...], prepare: Prepare) -> Strike | None:
    """Return what strikes this request, the oldest fault first; commits its count."""
    for fault in faults:
        if _matches(fault, call) and (struck := _count(call, fault, prepare)):
            return struck
    return None


def _count(call: Call, fault: Fault, prepare: Prepare) -> Strike | None:
    identity = db.storable(_identity(fault, call))
    row = db.one(COUNT, [fault.id, identity])
    if row is None:
        return None
    draw = fault.draw(identity, row["seen"])
    if not fault.strikes(draw, row["seen"]):
        return None
    struck = prepare(Strike(fault, draw, fault.options), call)
    return struck if struck and db.one(HIT, [fault.id]) else None
