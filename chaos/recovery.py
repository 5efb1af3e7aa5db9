"""How long a job waited longer than it had to after its worker had died or stood still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Recovery:
    """A job that a dead process held, and how long it then waited longer than it had to.

    One that was perhaps sent had to wait out the quiet time first.
    """

    seconds: float
    was_sent: bool


def recoveries(
    passages: Sequence[dict[str, Any]], deaths: Sequence[Death], quiet_seconds: float
) -> list[Recovery]:
    """For each job that a dead process held: how long until it was taken up again.

    The quiet time is reckoned from the intent. Jobs that nobody needed to take up again are left
    out.
    """
    found = []
    for death in deaths:
        for taken in _held(passages, death):
            again = _taken_again(passages, taken["job"], death.at)
            if again is not None:
                was_sent = bool(taken.get("sent"))
                free_at = taken["t"] + quiet_seconds if was_sent else death.at
                waited = again - max(free_at, death.at, death.back_at)
                found.append(Recovery(max(0.0, waited), was_sent))
    return found


def taken_up(passages: Sequence[dict[str, Any]], accepted: Mapping[str, float]) -> list[float]:
    """How long after they were accepted (user: when) users' first jobs were claimed."""
    first: dict[str, float] = {}
    for entry in passages:
        if entry["step"] == "claimed":
            first.setdefault(entry["user"], entry["t"])
    return [first[user] - at for user, at in accepted.items() if user in first]


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
