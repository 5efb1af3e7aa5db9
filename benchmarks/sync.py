"""The sync: answers of the backend into our rows, beside the server's own work and usual ways."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import machine, stage
from benchmarks.client import MeasurementFailed
from benchmarks.options import Options
from benchmarks.table import Report
from benchmarks.versus import HEADER, Versus
from partnerhub.local.bootstrap import ROOT

ANSWERS = 100_000
#: Our time to the floor's.
TARGETS = {"all changed": 1.7, "a tenth changed": 0.6}
MEANING = """\
nine tenths of the answers are of subscribers whom we know, one tenth is new; every answer that
changes a status is told in the timeline, too.
ours: from answers in Python's memory to committed rows (projection.apply_answers): all at once, and
in the sync's groups of 1,000.
floor: one INSERT … SELECT … ON CONFLICT DO UPDATE of all rows, changed or not, and one INSERT of
the events, from a table that lies ready on the server: nothing is sent, judged or derived.
bulk_create, update_or_create: Django's ways, with an event of each, on a sample; no rules.
ratio: our time to the other's, round by round, per answer."""


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """Measure; raises MeasurementFailed."""
    with stage.database("partnerhub") as url:
        environment = _environment(url)
        tell("migrating")
        _program(environment, [sys.executable, "manage.py", "migrate", "--verbosity=0"])
        answers = min(ANSWERS, max(options.subscribers // 2, 1000))
        given = {"subscribers": options.subscribers, "answers": answers, "rounds": options.rounds}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "benchmarks.sync_sides", *words]
        tell(f"making {options.subscribers:,} subscribers")
        result = json.loads(_program(environment, machine.pinned(options.cores.measured, command)))
        lines = [line for line in _lines(result) if options.wants(line.name)]
        return Report(lines, stage.version(url), _notes(options, result), HEADER, MEANING)


def _environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # not used
        "SECRET_KEY": "signs-nothing",
        "TOKEN_KEYS": "bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "EMBEDDED": "1",
        "DJANGO_SETTINGS_MODULE": "partnerhub.settings",
    }


def _program(environment: dict[str, str], command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise MeasurementFailed(f"{' '.join(command[-8:])} failed")
    return done.stdout.decode()


def _lines(result: dict[str, Any]) -> Iterator[Versus]:
    sizes = result["sizes"]
    for case, sides in result["seconds"].items():
        each = {name: [s / sizes[name] for s in found] for name, found in sides.items()}
        for name in ("ours", "ours in groups"):
            yield _line(f"{case}, {name}", each[name], "floor", each["floor"], TARGETS[case])
        for name in ("bulk_create", "update_or_create"):
            yield _line(f"{case}, ours", each["ours"], name, each[name])
    for size, times in result["small"].items():
        yield Versus(f"a group of {size}", f"{statistics.median(times):.1f} ms")


def _line(
    name: str, mine: list[float], other: str, its: list[float], most: float | None = None
) -> Versus:
    ratio = statistics.median(a / b for a, b in zip(mine, its, strict=True))
    return Versus(name, _rate(mine), other, _rate(its), ratio, most=most)


def _rate(seconds: list[float]) -> str:
    return f"{1 / statistics.median(seconds):,.0f}/s"


def _notes(options: Options, result: dict[str, Any]) -> list[str]:
    sizes = ", ".join(f"{name} {size:,}" for name, size in result["sizes"].items())
    return [f"answers of each side: {sizes}; the table holds {options.subscribers:,} subscribers"]
