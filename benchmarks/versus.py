"""A table of comparisons: what is measured, what stands beside it in the same rounds, a ratio."""

from __future__ import annotations

from dataclasses import dataclass

HEADER = (
    *("case", "ours", "CPU ms", "beside it", "its figure", "CPU ms", "of CPU"),
    *("ratio", "target", "verdict"),
)


@dataclass(frozen=True)
class Versus:
    """One line; what does not apply stays out.

    `cpu` and `its_cpu` are processor seconds of one piece of work. The ratio is good when it is at
    least, or at most, its target.
    """

    name: str
    ours: str
    beside: str = ""
    figure: str = ""
    ratio: float | None = None
    least: float | None = None
    most: float | None = None
    cpu: float | None = None
    its_cpu: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the target was met, on this machine as busy as it was."""
        if self.ratio is None or (self.least is None and self.most is None):
            return ""
        is_met = self.ratio >= (self.least or 0.0)
        is_met &= self.most is None or self.ratio <= self.most
        return "met" if is_met else "NOT MET"

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as texts."""
        target = f">= {self.least:g}" if self.least is not None else ""
        target = f"<= {self.most:g}" if self.most is not None else target
        saved = self.its_cpu / self.cpu if self.cpu and self.its_cpu else None
        return (
            *(self.name, self.ours, _text(self.cpu, 1000), self.beside, self.figure),
            *(_text(self.its_cpu, 1000), _text(saved), _text(self.ratio), target, self.verdict),
        )


def _text(value: float | None, times: float = 1.0) -> str:
    if value is None:
        return ""
    return f"{value * times:.2f}" if value * times >= 0.1 else f"{value * times:.2g}"
