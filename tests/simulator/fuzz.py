"""A property-based run of schemathesis against a running simulator, as a library.

Not by its pytest plugin, whose start-up every test run would pay for.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.engine import events

PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass
class Report:
    """What a run came to: its figures and every failure in words."""

    operations: set[str] = field(default_factory=set)
    cases: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    phases: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def figures(self) -> str:
        """One line for whoever reads the closing note."""
        return (
            f"{len(self.operations)} operations, {self.cases} cases,"
            f" {self.checks.total()} checks, {len(self.failures)} failures, {self.seconds:.1f} s"
        )

    @property
    def table(self) -> str:
        """How often each operation answered with which status."""
        return "\n".join(
            f"  {label}: "
            + ", ".join(f"{s} x{n}" for (of, s), n in sorted(self.statuses.items()) if of == label)
            for label in sorted(self.operations)
        )


def run(url: str, token: str, document: dict[str, Any], *, examples: int, seed: int) -> Report:
    """Run all phases with positive and negative data; returns the report."""
    values = {
        "seed": seed,
        "headers": {"Authorization": f"Bearer {token}"},
        "base-url": f"{url}/v1",
        "continue-on-failure": True,
        "generation": {
            "deterministic": True,
            "max-examples": examples,
            "no-shrink": True,
            "database": "none",
        },
    }
    config = schemathesis.Config.from_dict(values)
    schema = schemathesis.openapi.from_dict(document, config=config)
    report = Report()
    began = time.monotonic()
    for event in engine.from_schema(schema).execute():
        _note(report, event)
    report.seconds = time.monotonic() - began
    return report


def _note(report: Report, event: Any) -> None:
    match event:
        case events.ScenarioFinished():
            for case_id, node in event.recorder.cases.items():
                _note_case(report, event, case_id, node.value.operation.label)
        case events.PhaseFinished():
            report.phases[event.phase.name.value] = event.status.value
        case events.NonFatalError():
            report.failures.append(f"{event.label}: {event.value!r}")
        case events.FatalError():
            raise event.exception


def _note_case(report: Report, event: events.ScenarioFinished, case_id: str, label: str) -> None:
    recorder = event.recorder
    report.operations.add(label)
    report.cases += 1
    interaction = recorder.interactions.get(case_id)
    if interaction and interaction.response:
        report.statuses[label, interaction.response.status_code] += 1
    for check in recorder.checks.get(case_id, []):
        report.checks[check.name] += 1
        if check.failure_info:
            words = f"{event.phase.value}: {label}: {check.name}"
            failure = check.failure_info
            report.failures.append(f"{words}\n{failure.failure}\n{failure.code_sample}")
