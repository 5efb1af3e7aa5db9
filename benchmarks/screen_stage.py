"""Where the screen and the export are measured: a filled database, and processes on it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, stage
from benchmarks.client import MeasurementFailed
from benchmarks.options import Options
from benchmarks.versus import Versus
from partnerhub.local.bootstrap import ROOT


@dataclass(frozen=True)
class Scene:
    """A database with one partner's users, and what processes on it are told.

    Attributes:
        party: what screen_data printed.
    """

    url: str
    environment: dict[str, str]
    party: dict[str, Any]

    def lines(self, module: str, options: Options) -> list[Versus]:
        """Run a module on the core of its own; it prints one line as JSON."""
        given = {
            "subscribers": options.subscribers,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "cases": ",".join(options.cases),
            "party": json.dumps(self.party),
        }
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        command = machine.pinned(options.cores.measured, [sys.executable, "-m", module, *words])
        return [Versus(**line) for line in json.loads(_program(self.environment, command))]


@contextmanager
def scene(
    options: Options, tell: Callable[[str], None], *, searchable: bool = True
) -> Iterator[Scene]:
    """Start PostgreSQL with so many users, all that pages need around them."""
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-bench-"))
    try:
        with stage.database("partnerhub") as url:
            environment = _environment(folder, url)
            tell("preparing")
            product = environment | {"DJANGO_SETTINGS_MODULE": "partnerhub.settings"}
            _program(product, [sys.executable, "manage.py", "prepare"])
            tell(f"making {options.subscribers:,} users")
            command = [sys.executable, "-m", "benchmarks.screen_data"]
            command += ["--subscribers", str(options.subscribers)]
            made = _program(environment, command if searchable else [*command, "--plain"])
            yield Scene(url, environment, json.loads(made))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody is there: hints are lost, as they may be
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_KEYS": "bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "EMBEDDED": "1",
        "DEBUG": "0",
        "LOG_LEVEL": "ERROR",
        "EXPORTS_DIR": str(folder / "exports"),
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "benchmarks.screen_settings",
        "SIMULATOR_URL": "",
        "ALLOWED_HOSTS": "127.0.0.1,testserver",
    }


def _program(environment: dict[str, str], command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise MeasurementFailed(f"{' '.join(command[:6])} … failed")
    return done.stdout.decode()
