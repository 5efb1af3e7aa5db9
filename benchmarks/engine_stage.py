"""The processes of the engine's measurements: servers, backends, our workers, and the peer's."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery

from benchmarks import stage
from benchmarks.client import MeasurementFailed
from benchmarks.engine_data import Party
from benchmarks.fast_backend import COUNTS
from partnerhub.local import (
    databases,
    parent_death,
    private_dirs,
    servers,
)
from partnerhub.local import processes as product_processes
from partnerhub.local.bootstrap import ROOT

READY_SECONDS = 60.0
PEER = "peer"
#: The engine's own triggers make the peer's short cuts (queued to done) illegal, or cost it time.
_NO_TRIGGERS = """
    DO $$ DECLARE t text; BEGIN
        FOR t IN SELECT tgname FROM pg_trigger
                  WHERE tgrelid = 'provisioning_job'::regclass AND NOT tgisinternal LOOP
            EXECUTE format('DROP TRIGGER %I ON provisioning_job', t);
        END LOOP;
    END $$
"""


@dataclass(frozen=True)
class Backend:
    """A fast backend: its port, and its delay in seconds."""

    port: int
    delay: float

    def counts(self) -> dict[str, int]:
        """Return what was asked of it since the last time: changes, most at once."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{COUNTS}", timeout=30) as answer:
            counts: dict[str, int] = json.load(answer)
            return counts


@dataclass(frozen=True)
class Scene:
    """What is shared by all cases: both databases hold the same two partners.

    The cursors commit each statement.
    """

    folder: Path
    environment: dict[str, str]
    database: str
    parties: list[Party]
    cursor: Any
    peer_cursor: Any
    app: Celery
    peer_app: Celery
    worker: int
    postgres: int

    def measured(self, worker: int = 0) -> tuple[tuple[int, int], Party]:
        """Return whose processor time counts for a worker, ours unless another is named, and for
        whom it works.
        """
        return (worker or self.worker, self.postgres), self.parties[0]


@contextmanager
def scene(processes: int) -> Iterator[Scene]:
    """Start PostgreSQL, Redis, beat and our worker with so many processes."""
    with ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="partnerhub-bench-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        ends.callback(private_dirs.remove_private_dir, folder)
        folder.chmod(0o711)
        url = ends.enter_context(stage.database("partnerhub"))
        redis = servers.Redis(folder)
        ends.callback(redis.stop, at_once=True)
        redis.start(folder / "redis.log")
        environment = _environment(folder, url, redis.url)
        parties = _prepare(environment)
        yield Scene(
            folder,
            environment,
            url,
            parties,
            ends.enter_context(stage.psql(url)),
            ends.enter_context(stage.psql(databases.named(url, PEER))),
            Celery(broker=redis.url, set_as_current=False),
            Celery(broker=environment["PEER_REDIS_URL"], set_as_current=False),
            ends.enter_context(_our_workers(folder, environment, processes)),
            stage.postmaster(url),
        )


def _prepare(environment: dict[str, str]) -> list[Party]:
    _program(environment, "manage.py", "migrate", "--verbosity=0")
    _program(environment, "manage.py", "createcachetable")
    parties = json.loads(_program(environment, "-m", "benchmarks.engine_data"))
    _copy(environment["DATABASE_URL"])
    return [Party(**one) for one in parties]


def _environment(folder: Path, database: str, redis: str) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return product_processes.WORKER_LIMITS | {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "PEER_REDIS_URL": f"{redis.rpartition('/')[0]}/1",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_KEYS": f"bench:{key}",
        "EMBEDDED": "1",
        "BACKEND_HOSTS": "127.0.0.1",
        "EXPORTS_DIR": str(folder / "exports"),
        "STATIC_ROOT": str(folder / "static"),
        "SYNC_SECONDS": "86400",  # the backend has nothing to list
        "SIMULATOR_URL": "",
    }


def _program(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise MeasurementFailed(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
    return done.stdout


def _copy(url: str) -> None:
    """Make the peer's database: the same, but for the triggers on jobs."""
    with stage.psql(databases.named(url, "postgres")) as cursor:
        cursor.execute(f"CREATE DATABASE {PEER} TEMPLATE partnerhub")
    with stage.psql(databases.named(url, PEER)) as cursor:
        cursor.execute(_NO_TRIGGERS)


@contextmanager
def _our_workers(folder: Path, environment: dict[str, str], processes: int) -> Iterator[int]:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    queues, ours = product_processes.QUEUES["worker"], ["-A", "partnerhub.celery"]
    worker = [*ours, "worker", "-l", "INFO", "-Q", queues, "-c", str(processes), *quiet]
    beat = [*ours, "beat", "-l", "INFO", "-s", str(folder / "beat-schedule")]
    with (
        _celery(environment, worker, folder / "worker.log", " ready.") as pid,
        _celery(environment, beat, folder / "beat.log", "beat: Starting"),
    ):
        yield pid


@contextmanager
def peer_workers(scene: Scene, processes: int) -> Iterator[int]:
    """Run the peer's worker with Celery's own settings; yield its process ID."""
    arguments = ["-A", "benchmarks.peers", "worker", "-l", "INFO", "-c", str(processes)]
    environment = scene.environment | {"DATABASE_URL": databases.named(scene.database, PEER)}
    log = scene.folder / f"peer-{processes}.log"
    with _celery(environment, arguments, log, " ready.") as pid:
        yield pid


@contextmanager
def _celery(
    environment: dict[str, str], arguments: list[str], log: Path, ready: str
) -> Iterator[int]:
    """Run Celery until the block ends; yield its process ID once its log says that it is ready."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=out,
            stderr=out,
            preexec_fn=parent_death.die_with_parent(),
        )
    try:
        _wait(process, log, ready)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[Any], log: Path, ready: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while ready not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > end:
            raise MeasurementFailed(f"{log.stem} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


@contextmanager
def backend(delay: float) -> Iterator[Backend]:
    """Run a fast backend that answers after so many seconds."""
    port = servers.free_port()
    command = ["-m", "benchmarks.fast_backend", "--port", str(port)]
    with stage.serving([*command, "--delay-ms", str(delay * 1000)], port, {}, None):
        yield Backend(port, delay)
