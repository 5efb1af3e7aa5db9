"""A real worker and a real beat, while Redis and PostgreSQL's connections die under them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from partnerhub.local import databases
from partnerhub.local.processes import QUEUES
from partnerhub.local.servers import Redis
from provisioning.jobs import user_services
from provisioning.models import Heartbeat, Job
from tests.provisioning.rig import Rig

pytestmark = pytest.mark.worker

ROOT = Path(__file__).resolve().parents[3]
FREJA = "4533121212@nordictel.example"
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


@pytest.fixture
def redis(server_folder: Path) -> Iterator[Redis]:
    server = Redis(server_folder)
    server.start(server_folder / "redis.log")
    conf = current_app.conf
    before = conf.broker_url, conf.broker_write_url
    conf.broker_url = conf.broker_write_url = server.url
    yield server
    conf.broker_url, conf.broker_write_url = before
    server.stop(at_once=True)


@pytest.fixture
def engine(rig: Rig, redis: Redis, tmp_path: Path) -> Iterator[Rig]:
    """A rig whose jobs are done by processes of their own."""
    database = databases.named(os.environ["DATABASE_URL"], connection.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_URL": database, "REDIS_URL": redis.url, "TIME_SCALE": "1"}
    celery = [sys.executable, "-m", "celery", "-A", "partnerhub"]
    queues = ["-Q", ",".join(QUEUES.values()), "-c", "1"]
    commands = [
        [*celery, "worker", "-l", "WARNING", *queues, *QUIET],
        [*celery, "beat", "-l", "WARNING", "-s", str(tmp_path / "schedule")],
    ]
    log = (tmp_path / "celery.log").open("ab")
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        for command in commands
    ]
    try:
        until(Heartbeat.objects.exists)
        yield rig
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(100)
        log.close()


def until(true: Callable[[], object], seconds: float = 100.0) -> None:
    """Wait for something to become so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)


def done(job: Job) -> bool:
    job.refresh_from_db()
    return job.state == "done"


def ask(rig: Rig) -> Job:
    row = rig.given(FREJA, status="provisioned")
    now = timezone.now()
    return user_services.change_package(row, package="premium", actor=rig.actor, now=now)


def test_a_job_accepted_while_redis_is_dead_is_done_soon_after_its_return(engine, redis):
    redis.process.kill()
    redis.process.wait()
    job = ask(engine)
    time.sleep(5)  # the outage itself
    job.refresh_from_db()
    assert job.state == "queued"

    redis.start(redis.folder / "redis.log")

    until(lambda: done(job))


def test_workers_get_new_connections_when_postgresql_has_closed_theirs(engine):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0]

    job = ask(engine)

    until(lambda: done(job))
