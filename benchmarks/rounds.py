"""Measuring by rounds: each case in turn, ours and its floor one after the other, again and again.

What drifts in the machine meanwhile hits both alike; medians of the rounds are shown.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks import machine
from benchmarks.client import Connection, Sample, Work, measure

CONNECTIONS = 8


@dataclass(frozen=True)
class Server:
    """A process that is measured."""

    pid: int
    port: int


@dataclass
class Side:
    """One server's part in a case: what is asked of it, and what came of it in each round."""

    server: Server
    work: Callable[[int], Work]
    samples: list[Sample] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    def open(self) -> None:
        """Connect, once for all rounds: each goes on where the last one ended."""
        self.connections = [Connection(self.server.port, self.work(n)) for n in range(CONNECTIONS)]

    def round(self, seconds: float) -> None:
        """Measure one round."""
        before = machine.cpu_seconds(self.server.pid)
        self.samples.append(measure(self.connections, seconds))
        self.cpu.append(machine.cpu_seconds(self.server.pid) - before)

    @property
    def rates(self) -> list[float]:
        """Answers a second, of each round."""
        return [sample.rate for sample in self.samples]

    @property
    def cpu_per_thousand(self) -> float:
        """Processor seconds for a thousand answers, the median of the rounds."""
        each = zip(self.cpu, self.samples, strict=True)
        return statistics.median(cpu / len(sample.latencies) * 1000 for cpu, sample in each)

    @property
    def share(self) -> float:
        """How much of a core the server used while it was asked without a pause."""
        return sum(self.cpu) / sum(sample.seconds for sample in self.samples)

    def latency(self, part: float) -> float:
        """Milliseconds within which this part of all answers came."""
        ordered = sorted(one for sample in self.samples for one in sample.latencies)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000


@dataclass
class Case:
    """Something measured, beside its floor, with what is wanted of it in answers a second."""

    name: str
    ours: Side
    floor: Side | None = None
    target: float | None = None
    settle: Callable[[], None] = lambda: None

    def round(self, number: int, seconds: float) -> None:
        """Measure both sides, now the one first and now the other."""
        sides = [side for side in (self.ours, self.floor) if side]
        for side in sides if number % 2 else reversed(sides):
            side.round(seconds)
        self.settle()


def run(cases: list[Case], *, rounds: int, seconds: float, tell: Callable[[str], None]) -> None:
    """Measure all cases; a short round before, which does not count, warms everything up."""
    for case in cases:
        for side in (case.ours, case.floor):
            if side:
                side.open()
                measure(side.connections, min(seconds, 0.5))
        case.settle()
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for case in cases:
            case.round(number, seconds)
