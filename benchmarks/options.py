"""What the command line asks for."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.machine import Cores


@dataclass(frozen=True)
class Options:
    """How much to measure, and on which cores; no cases named: all of them."""

    subscribers: int
    rounds: int
    seconds: float
    cases: tuple[str, ...]
    cores: Cores

    def wants(self, name: str) -> bool:
        """Tell whether a case is asked for: it is named by how it begins."""
        return not self.cases or name.startswith(self.cases)
