"""How long a job waited longer than it had to after its worker had died or stood still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Death:
    """Processes that were killed, or stopped for good, at a moment.

    `back_at`: when somebody was there again, if nobody was left (else 0).
    """

    at: float
    pids: frozenset[int]
    back_at: float = 0.0


def deaths_in(passages: Sequence[dict[str, Any]]) -> list[Death]:
    """The deaths that workers brought about themselves, at a step."""
    return [
        Death(entry["t"], frozenset({entry["pid"]}))
        for entry in passages
        if entry["step"] in {"kill", "stop"}
    ]


def recoveries(
    passages: Sequence[dict[str, Any]], deaths: Sequence[Death], quiet_seconds: float
) -> list[float]:
    """For each job that a dead process held: seconds until it was taken up again.

    A job that was perhaps sent must first wait out the quiet time, reckoned from its intent; what
    it waited beyond that counts. Jobs that nobody needed to take up again are left out.
    """
    found = []
    for death in deaths:
        for taken in _held(passages, death):
            again = _taken_again(passages, taken["job"], death.at)
            if again is not None:
                free_at = taken["t"] + quiet_seconds if taken.get("sent") else death.at
                found.append(max(0.0, again - max(free_at, death.at, death.back_at)))
    return found


def _held(passages: Sequence[dict[str, Any]], death: Death) -> list[dict[str, Any]]:
    """The newest claims of the dead that were not recorded."""
    held: dict[int, dict[str, Any]] = {}
    for entry in passages:
        if entry["t"] > death.at:
            break
        if entry["pid"] in death.pids and entry["step"] == "claimed":
            held[entry["job"]] = entry
        elif entry["pid"] in death.pids and entry["step"] == "recorded":
            held.pop(entry["job"], None)
    return list(held.values())


def _taken_again(passages: Sequence[dict[str, Any]], job: int, after: float) -> float | None:
    times = (
        float(entry["t"])
        for entry in passages
        if entry["job"] == job and entry["step"] == "claimed" and entry["t"] > after
    )
    return next(times, None)


def part(values: Sequence[float], share: float) -> float | None:
    """The value that this share of all do not exceed; None when there are none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None
