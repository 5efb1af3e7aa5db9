"""All faults of the plan: those that are run, and those that are not, with the reason."""

from __future__ import annotations

from chaos.faults import answers, brokers, database, workers
from chaos.faults.base import FAULTS, Fault

__all__ = ["FAULTS", "NOT_RUN", "Fault", "answers", "brokers", "database", "workers"]

#: Number: what it is, and why it is not run here.
NOT_RUN: dict[str, tuple[str, str]] = {}
