"""What is measured of the screen, on the core of its own: pages, searches, polls and writes.

Prints the lines of the table as JSON.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.client import MeasurementFailed
from benchmarks.versus import Versus


@dataclass(frozen=True)
class Bench:
    """What all parts share: who is signed in, the raw way into the database, how much to do."""

    party: dict[str, Any]
    client: Any
    cursor: Any
    subscribers: int
    rounds: int
    seconds: float

    @property
    def users_of_first(self) -> int:
        """How many users the large template has."""
        return self.subscribers * 4 // 10

    def get(self, address: str) -> bytes:
        """Return the page at an address of ours or a peer's; anything but a page fails."""
        answer = self.client.get(address)
        if answer.status_code != 200:
            raise MeasurementFailed(f"{address[:200]}: {answer.status_code}")
        content: bytes = answer.content
        return content


@dataclass
class Timed:
    """Something done again and again: seconds of each round, the median of its tries, and this
    process's own processor seconds of one.
    """

    act: Callable[[], Any]
    tries: int = 1
    seconds: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    def round(self) -> None:
        """Measure one round."""
        before = time.process_time()
        self.seconds.append(statistics.median([seconds_of(self.act) for _ in range(self.tries)]))
        self.cpus.append((time.process_time() - before) / self.tries)

    @property
    def cpu(self) -> float:
        """Processor seconds of one, the median of the rounds."""
        return statistics.median(self.cpus)

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds)

    def times(self, other: Timed) -> float:
        """How many times as long as the other, round by round."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(mine / its for mine, its in pairs)


def seconds_of(act: Callable[[], Any]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def rounds(sides: list[Timed], number: int) -> None:
    """Measure all sides in turn, now the one first and now the other, after one go uncounted."""
    for side in sides:
        side.act()
    for n in range(number):
        for side in sides if n % 2 else reversed(sides):
            side.round()


def ms(seconds: float) -> str:
    """Seconds as milliseconds in words."""
    value = seconds * 1000
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.2f} ms"


def part_of(seconds: list[float], part: float) -> float:
    """The time within which this part of all were done."""
    ordered = sorted(seconds)
    return ordered[max(math.ceil(len(ordered) * part) - 1, 0)]


def spread(name: str, seconds: list[float], most: float) -> Versus:
    """A line of many single times: p95 beside the limit in seconds, with p50 and the largest."""
    p50, p95 = part_of(seconds, 0.5), part_of(seconds, 0.95)
    words = f"{ms(p50)}; {ms(max(seconds))}"
    return Versus(f"{name}, p95", ms(p95), f"p50; max of {len(seconds)}", words, p95 / most, most=1)
