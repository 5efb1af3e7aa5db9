"""A rule of misbehaviour: what may be struck, when, and by what chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator import db

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

    def is_open(self, now: datetime) -> bool:
        """Tell whether this is its time."""
        begun = self.starts_at is None or self.starts_at <= now
        return begun and (self.ends_at is None or now < self.ends_at)

    def draw(self, identity: str, seen: int) -> random.Random:
        """Return the source of all chance for one request, the same in every replay."""
        return random.Random(f"{self.seed}/{self.kind}/{identity}/{seen}")  # noqa: S311 - no secret

    def strikes(self, draw: random.Random, seen: int) -> bool:
        """Judge the nth request that matches."""
        if self.script:
            return self.script[(seen - 1) % len(self.script)] == STRUCK
        return draw.random() < self.probability
