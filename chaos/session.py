"""Playing the chosen faults one after the other on an open stage. Needs Django set up."""

from __future__ import annotations

import json
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from chaos import checker, truth
from chaos.backend import Json
from chaos.faults import FAULTS, NOT_RUN, Fault
from chaos.faults.base import SOAK
from chaos.options import Options
from chaos.run import Run
from chaos.stage import Stage
from chaos.table import Line
from provisioning import timing
from provisioning.invariants import backend as invariants_backend
from provisioning.invariants import check as invariants_check
from provisioning.invariants.rules import Finding


def prepare() -> None:
    """Make the tables that every run gets a copy of."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    connections.close_all()


def numbers(options: Options) -> list[str]:
    """The faults to play or to name, in the plan's order; raises KeyError for an unknown one."""
    if options.soak_minutes:
        return [SOAK]
    known = [*(FAULTS.keys() - {SOAK}), *NOT_RUN]
    for number in options.faults:
        if number not in known:
            raise KeyError(number)
    wanted = options.faults or known
    if options.smoke:
        wanted = [number for number in wanted if number in FAULTS and FAULTS[number].smoke]
    return sorted(wanted, key=lambda number: (int(number.strip("FB")), number))


def play(stage: Stage, wanted: list[str], tell: Callable[[str], None]) -> Iterator[Line]:
    """Play one after the other; one that breaks off does not keep the others from being played."""
    for number in wanted:
        if number not in NOT_RUN or stage.options.soak_minutes:
            tell(f"{number} {FAULTS[number].title} …")
            yield _play(stage, FAULTS[number])
        else:
            title, reason = NOT_RUN[number]
            yield Line(number, title, not_run=reason)


def _play(stage: Stage, fault: Fault) -> Line:
    stage.mend()
    folder = stage.folder / fault.number
    folder.mkdir()
    line = Line(fault.number, fault.title)
    began = time.monotonic()
    run = Run(fault.number, stage, folder)
    try:
        fault.play(run)
        _judge(run, line)
    except Exception:  # noqa: BLE001 - whatever breaks, the table tells it and the others go on
        line.problems += run.result.problems
        line.problems.append(f"broke off: {traceback.format_exc()}")
    finally:
        run.end()
    line.seconds = time.monotonic() - began
    if line.problems:
        line.kept = str(_keep(stage, folder))
    return line


def _judge(run: Run, line: Line) -> None:
    run.backend.heal()
    log = run.backend.log(after=run.since)
    (run.folder / "backend.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in log))
    verdict = run.backend.judge(run.grace_ms, run.since)
    findings = checker.check(run.history, log, verdict, gone=run.gone)
    line.actions, line.lost, line.doubled = findings.actions, findings.lost, findings.doubled
    line.recoveries = run.result.recoveries
    line.notes = [*run.result.notes, *findings.notes, *_deadlocks(run)]
    line.problems = [*run.result.problems, *findings.problems]
    if run.may_double:
        line.notes += findings.doubles
    else:
        line.problems += findings.doubles
    line.problems += truth.differences(run.backend, run.world)
    for one in _breaches(log):
        where = line.notes if run.may_double and one.invariant == "I3" else line.problems
        where.append(f"{one.invariant}: {one.what}, {one.count} times: {one.examples[:3]}")


def _deadlocks(run: Run) -> list[str]:
    """Deadlocks end by themselves, after a second, at the cost of somebody's transaction."""
    log = (run.stage.logs / "postgres.log").read_text(errors="replace")
    count = log.count("deadlock detected", run.log_began)
    return [f"{count} deadlocks between transactions of ours"] if count else []


def _breaches(log: list[Json]) -> list[Finding]:
    """What `manage.py check_invariants --simulator` would find."""
    found = invariants_check.check(timing.now())
    return [*found, *invariants_backend.compare(invariants_backend.read(log))]


def _keep(stage: Stage, folder: Path) -> Path:
    """Copy history and logs of a failed run out of the folder that will go."""
    options = stage.options
    kept = options.kept / f"{folder.name}-{options.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    shutil.copytree(stage.logs, kept / "servers")
    return kept
