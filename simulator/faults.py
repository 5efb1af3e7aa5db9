"""Misbehaviour on order: which request is struck, by which fault.

A fault stands in a table and is matched in memory; only one that matches costs a statement, which
counts the request. Chance is drawn from the fault's seed, the identity counted by, and the count:
the same seed and the same requests give the same strikes, however many threads there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator import db

if TYPE_CHECKING:
    from simulator.calls import Call

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
#: A fault that can still strike, now or later.
LIVE = "(times IS NULL OR hits < times) AND (ends_at IS NULL OR ends_at > %(now)s)"
ALL = "*"
#: A letter of a script: this request is struck, or it is not.
STRUCK = "x"


@dataclass(frozen=True)
class Fault:
    """A rule of misbehaviour; the README says what each member means."""

    id: int
    kind: str
    options: dict[str, Any]
    token_name: str
    operations: frozenset[str]
    contains: str
    probability: float
    script: str
    count_by: str
    seed: str
    starts_at: datetime | None
    ends_at: datetime | None

    @classmethod
    def from_row(cls, row: db.Row) -> Fault:
        """Read a row of the table."""
        kept = {name: row[name] for name in cls.__dataclass_fields__ if name != "operations"}
        names = (name.strip() for name in row["operation"].split(","))
        return cls(**kept, operations=frozenset(names))

    def matches(self, call: Call) -> bool:
        """Tell whether a request could be struck."""
        return (
            self.is_open(call.now)
            and (ALL in self.operations or call.operation in self.operations)
            and self.token_name in {ALL, call.token_name}
            and (not self.contains or self.contains in text_of(call))
        )

    def is_open(self, now: datetime) -> bool:
        """Tell whether this is its time."""
        begun = self.starts_at is None or self.starts_at <= now
        return begun and (self.ends_at is None or now < self.ends_at)

    def identity(self, call: Call) -> str:
        """Return what this fault counts by."""
        return "" if self.count_by == "all" else f"{call.operation} {call.subject}"

    def draw(self, identity: str, seen: int) -> random.Random:
        """Return the source of all chance for one request, the same in every replay."""
        return random.Random(f"{self.seed}/{self.kind}/{identity}/{seen}")  # noqa: S311 - no secret

    def strikes(self, draw: random.Random, seen: int) -> bool:
        """Judge the nth request that matches."""
        if self.script:
            return self.script[(seen - 1) % len(self.script)] == STRUCK
        return draw.random() < self.probability


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
Prepare = Callable[[Strike, "Call"], Strike | None]


def text_of(call: Call) -> str:
    """Return what `contains` looks into: a request's path and body."""
    return f"{call.request.get_full_path()}\n{call.request.body.decode(errors='replace')}"


def strike(call: Call, faults: tuple[Fault, ...], prepare: Prepare) -> Strike | None:
    """Return what strikes this request, the oldest fault first; commits its count."""
    for fault in faults:
        if fault.matches(call) and (struck := _count(call, fault, prepare)):
            return struck
    return None


def _count(call: Call, fault: Fault, prepare: Prepare) -> Strike | None:
    identity = db.storable(fault.identity(call))
    row = db.one(COUNT, [fault.id, identity])
    if row is None:
        return None
    draw = fault.draw(identity, row["seen"])
    if not fault.strikes(draw, row["seen"]):
        return None
    struck = prepare(Strike(fault, draw, fault.options), call)
    return struck if struck and db.one(HIT, [fault.id]) else None
