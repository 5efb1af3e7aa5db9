"""A table of comparisons: what is measured, what stands beside it in the same rounds, a ratio."""

from __future__ import annotations

from dataclasses import dataclass

HEADER = ("case", "ours", "beside it", "its figure", "ratio", "target", "verdict")


@dataclass(frozen=True)
class Versus:
    """One line. A ratio is good when it is at least, or at most, its target; None: only shown."""

    name: str
    ours: str
    beside: str = ""
    figure: str = ""
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

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
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        figures = self.ours, self.beside, self.figure, ratio, target, self.verdict
        return (self.name, *figures)
