"""Batches: accepting one action on 10,000 users, beside a bare INSERT … SELECT of its jobs."""

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

ROWS = 10_000
#: Our time to the floor's, and seconds.
MOST, SECONDS = 3.0, 2.0
MEANING = """\
ours: provisioning.batches.accept, from the ids to the commit: all users held and judged, a job and
a line in the timeline for each, open confirmations replaced, the audit log.
floor: INSERT … SELECT of exactly these jobs into the real table, with its indexes and foreign keys,
from a table that lies ready on the server.
ratio: our time to the floor's, round by round."""


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """Measure; raises MeasurementFailed."""
    with stage.database("partnerhub") as url:
        environment = _environment(url)
        tell("migrating")
        _program(environment, [sys.executable, "manage.py", "migrate", "--verbosity=0"])
        tell(f"making {options.subscribers:,} subscribers")
        given = {"subscribers": options.subscribers, "rows": ROWS, "rounds": options.rounds}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "benchmarks.batch_sides", *words]
        result = json.loads(_program(environment, machine.pinned(options.cores.measured, command)))
        lines = [line for line in _lines(result) if options.wants(line.name)]
        note = f"{options.subscribers:,} other subscribers in the table"
        return Report(lines, stage.version(url), [note], HEADER, MEANING)


def _environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody is there: the hint is lost, as it may be
        "SECRET_KEY": "signs-nothing",
        "TOKEN_KEYS": "bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "EMBEDDED": "1",
        "LOG_LEVEL": "WARNING",
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
    for case, sides in result["accept"].items():
        ours, floor = sides["ours"], sides["floor"]
        ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
        name = f"accept {ROWS:,}, {case}"
        yield Versus(name, _ms(ours), "INSERT … SELECT", _ms(floor), ratio, most=MOST)
        seconds = statistics.median(ours)
        yield Versus(name, _ms(ours), "seconds", f"{SECONDS:g} s", seconds, most=SECONDS)
    for name, times in result["others"].items():
        yield Versus(f"{name} {ROWS:,}", _ms(times))


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:,.1f} ms"
