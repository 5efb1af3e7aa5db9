"""What a benchmark runs on: a PostgreSQL of its own, and the processes that are measured."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.client import MeasurementFailed
from partnerhub.local import databases, parent_death, private_dirs, servers
from partnerhub.local.bootstrap import ROOT

START_SECONDS = 30.0
ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)  # the last: `make` was killed


def tidy_when_stopped() -> None:
    """Let a signal unwind the stack, so that nothing stays behind."""
    for number in ENDINGS:
        signal.signal(number, lambda number, _: sys.exit(128 + number))


@contextmanager
def database(name: str) -> Iterator[str]:
    """Start PostgreSQL with the settings of `make run` in a folder of its own; yield a URL."""
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-bench-"))
    folder.chmod(0o711)
    server = servers.Postgres(folder)
    try:
        server.start(folder / "postgres.log")
        yield databases.ensure(server.url, name)
    finally:
        server.stop(at_once=True)
        private_dirs.remove_private_dir(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(
    command: list[str], port: int, environment: dict[str, str], core: int | None
) -> Iterator[int]:
    """Run a server on one core until the block ends; yield its process ID once it answers."""
    process = subprocess.Popen(
        machine.pinned(core, [sys.executable, *command]),
        cwd=ROOT,
        env=os.environ | environment,
        preexec_fn=parent_death.die_with_parent(),
    )
    try:
        wait(process, port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def wait(process: subprocess.Popen[Any], port: int) -> None:
    """Return once a server answers; raises MeasurementFailed."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except urllib.error.HTTPError:
            return  # any answer will do
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise MeasurementFailed(f"a server did not start: {process.args}")


def version(url: str) -> str:
    """Return which PostgreSQL it is."""
    with psql(url) as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def postmaster(url: str) -> int:
    """Return the process ID of PostgreSQL."""
    with psql(url) as cursor:
        cursor.execute("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")
        return int(cursor.fetchone()[0])


@contextmanager
def psql(url: str) -> Iterator[Any]:
    """Yield a cursor that commits each statement."""
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
