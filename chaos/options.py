"""What a run was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: One factor on every duration of the engine: a lease of 4 s, a quiet time of 9 s.
TIME_SCALE = 0.1
#: Between two syncs of a connection.
SYNC_SECONDS = 5


@dataclass(frozen=True)
class Options:
    """What a run was asked for.

    Attributes:
        seed: of everything that is drawn; the same seed draws the same.
        faults: numbers such as F7; empty = all that there are.
        smoke: the short form that is part of `make test-long`.
        scale: factor on every duration of the product.
        kept: where history and logs of a failed run go.
        report: where the results go as JSON; None = nowhere.
        soak_minutes: how long `make soak` mixes faults; 0 = this is no soak.
    """

    seed: int
    faults: tuple[str, ...]
    smoke: bool
    scale: float
    kept: Path
    report: Path | None
    soak_minutes: float

    @property
    def patience(self) -> float:
        """Factor on the times that are allowed: the smoke set is played beside other tests."""
        return 4.0 if self.smoke else 1.0
