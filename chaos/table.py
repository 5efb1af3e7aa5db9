"""The table at the end, and the words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.recovery import part

HEADER = ("fault", "", "actions", "lost", "doubled", "recovery p50", "p99", "took", "verdict")
LEFT = {0, 1, 8}
MEANING = """\
actions: acknowledged to a client; lost: of those, without one final state or, done, without effect;
doubled: effects beyond one per action; recovery: seconds beyond what a job had to wait, from the
death of its worker or the end of the outage until it was taken up again."""


@dataclass
class Line:
    """One fault's line."""

    number: str
    title: str
    actions: int = 0
    lost: int = 0
    doubled: int = 0
    recoveries: list[float] = field(default_factory=list)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_run: str = ""
    kept: str = ""

    @property
    def verdict(self) -> str:
        """What it came to."""
        if self.not_run:
            return f"not run: {self.not_run}"
        return "WRONG" if self.problems else "right"

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as texts; figures of what was not run stay out."""
        if self.not_run:
            return (self.number, self.title, "", "", "", "", "", "", self.verdict)
        return (
            self.number,
            self.title,
            f"{self.actions:,}",
            str(self.lost),
            str(self.doubled),
            _seconds(part(self.recoveries, 0.5)),
            _seconds(part(self.recoveries, 0.99)),
            f"{self.seconds:.0f} s",
            self.verdict,
        )


def show(lines: Sequence[Line]) -> str:
    """Return the table as text, figures to the right."""
    rows = [HEADER, *(line.cells for line in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n in LEFT else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def words(line: Line) -> str:
    """Return what is said of one fault: what is wrong, and what else was seen."""
    said = [f"{line.number} {line.verdict}"]
    said += [f"  WRONG: {problem}" for problem in line.problems[:20]]
    if len(line.problems) > 20:
        said.append(f"  … and {len(line.problems) - 20} more")
    said += [f"  {note}" for note in line.notes]
    if line.kept:
        said.append(f"  kept: {line.kept}")
    return "\n".join(said)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
