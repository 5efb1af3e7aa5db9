"""The table at the end."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rounds import Case
from benchmarks.versus import Versus

HEADER = (
    *("case", "per s", "floor", "ratio", "p50 ms", "p99 ms"),
    *("CPU s/1000", "floor's", "a core: per s", "core got", "target", "verdict"),
)
MEANING = """\
floor: a bare Django view with the same gunicorn settings on the same tables, measured in turn;
ratio: round by round; CPU: of the measured process alone, whatever else the machine does;
a core: 1000 / CPU, what it could answer with a core to itself; core got: how much of one it had."""


@dataclass(frozen=True)
class Report:
    """What a subject came to, on which database, and what else is to be said.

    `header` names the cells of its lines, `meaning` explains them.
    """

    lines: Sequence[Line | Versus]
    database: str
    notes: list[str]
    header: tuple[str, ...] = HEADER
    meaning: str = MEANING


@dataclass(frozen=True)
class Line:
    """One line; figures that do not apply stay out."""

    name: str
    rate: float
    floor: float | None = None
    ratio: float | None = None
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    floor_cpu: float | None = None
    share: float | None = None
    target: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the target was met, on this machine as busy as it was."""
        if self.target is None:
            return ""
        return "met" if self.rate >= self.target else "NOT MET"

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as texts."""
        return (
            self.name,
            f"{self.rate:,.0f}",
            _text(self.floor, ",.0f"),
            _text(self.ratio, ".2f"),
            _text(self.p50, ".1f"),
            _text(self.p99, ".1f"),
            _text(self.cpu, ".2f"),
            _text(self.floor_cpu, ".2f"),
            _text(1000 / self.cpu if self.cpu else None, ",.0f"),
            _text(self.share, ".0%"),
            _text(self.target, ",.0f"),
            self.verdict,
        )


def line_of(case: Case) -> Line:
    """Return the line of a measured case; the ratio is taken round by round."""
    ours, floor = case.ours, case.floor
    pairs = zip(ours.rates, floor.rates, strict=True) if floor else ()
    ratios = [mine / least for mine, least in pairs]
    return Line(
        case.name,
        statistics.median(ours.rates),
        statistics.median(floor.rates) if floor else None,
        statistics.median(ratios) if ratios else None,
        ours.latency(0.5),
        ours.latency(0.99),
        ours.cpu_per_thousand,
        floor.cpu_per_thousand if floor else None,
        ours.share,
        case.target,
    )


def show(lines: Sequence[Line | Versus], header: tuple[str, ...] = HEADER) -> str:
    """Return the table as text, figures to the right."""
    rows = [header, *(line.cells for line in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n in {0, len(header) - 1} else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
