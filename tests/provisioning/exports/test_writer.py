"""Exports by a real Celery worker over real Redis, and what a killed writer leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from partnerhub.local import databases
from provisioning.exports import files as export_files
from provisioning.exports import progress as export_progress
from provisioning.exports import services as export_services
from provisioning.exports import writer as export_writer
from provisioning.jobs import outbox
from provisioning.lists.filters import NOTHING
from provisioning.models import Export, Subscriber
from provisioning.states import ExportState
from tests import factories

ROOT = Path(__file__).resolve().parents[3]
#: A writer that stops in the middle of its file until it is killed.
SLOW_WRITER = """
import sys, time, django
django.setup()
from provisioning.exports import files, services
def stall(self):
    self.file.write(bytes(self.block))
    self.file.flush()
    print("writing", flush=True)
    time.sleep(60)
files._BLOCK = 1
files._CsvFile.flush = stall
services.write(int(sys.argv[1]))
"""

#: A writer whose connection PostgreSQL ends while it waits for more rows to be read: then it cannot
#: say why, and psycopg2 tells of an error without a name.
CUT_OFF_WRITER = """
import sys, time, django
django.setup()
from django.db import connections
from provisioning.exports import files, services
whole = files._CsvFile.flush
def cut_off(self):
    whole(self)
    if not hasattr(files, "is_cut"):
        files.is_cut = True
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            waiting = (
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event = 'ClientWrite'"
            )
            while not cursor.execute(waiting) and not (found := cursor.fetchall()):
                time.sleep(0.02)
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", found[0])
        other.close()
files._CsvFile.flush = cut_off
services.write(int(sys.argv[1]))
print("over", flush=True)
"""


@pytest.fixture
def folder(tmp_path, settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture
def export(transactional_db, folder, anna, template) -> Export:
    for _ in range(3):
        factories.make_subscriber(template)
    actor = factories.actor_of(anna)
    return export_services.start(actor=actor, template=template, chosen=NOTHING, now=timezone.now())


def make_many(template, count: int, text: str) -> None:
    """More than fits between PostgreSQL and a writer that has stopped reading."""
    factories.copy_subscriber(factories.make_subscriber(template, error_text=text), count)


def environment(folder: Path) -> dict[str, str]:
    """This test's database, not the one that the run was started with."""
    name = connection.settings_dict["NAME"]
    database = databases.named(os.environ["DATABASE_URL"], str(name))
    return os.environ | {
        "DATABASE_URL": database,
        "EXPORTS_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "partnerhub.settings",
        "REDIS_URL": django_settings.REDIS_URL,
    }


@contextmanager
def process(folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait(100)
        assert started.stdout
        started.stdout.close()


def until(condition: Callable[[], bool], seconds: float = 100.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def state(export: Export) -> str:
    export.refresh_from_db()
    return export.state


@pytest.mark.worker
def test_a_worker_writes_what_was_asked_for_before_it_started(export, folder):
    queues = ("-Q", "export", "-c", "1", "--without-gossip", "--without-mingle")
    with process(folder, "-m", "celery", "-A", "partnerhub.celery", "worker", *queues):
        until(lambda: state(export) == ExportState.READY)

    assert export.rows == 3
    assert export_files.path_of(export).stat().st_size == export.size


def test_an_export_whose_writer_is_killed_is_written_by_the_next_one(
    export, folder, template, monkeypatch
):
    make_many(template, 4000, "a long text " * 400)
    hints: list[int] = []
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: hints.append(ids["export_id"]))
    with process(folder, "-c", SLOW_WRITER, str(export.pk)) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        while_alive = export_progress.rows_so_far(export)
        export_services.write(export.pk)  # the lock is taken: a second writer does nothing
        assert state(export) == ExportState.WRITING
        writer.send_signal(signal.SIGKILL)
        writer.wait(100)
    left = list(folder.iterdir())

    export_services.sweep(timezone.now() + timedelta(seconds=export_writer.HINT_SECONDS + 1))
    until(lambda: export_services.write(hints[0]) or state(export) == ExportState.READY)

    assert 0 < while_alive < 4004
    assert [path.name.startswith(".writing-") for path in left] == [True]
    assert export.rows == 4004
    assert export_files.path_of(export).stat().st_size == export.size
    export_services.tidy(timezone.now() + export_writer.GIVE_UP + timedelta(minutes=1))
    assert list(folder.iterdir()) == [export_files.path_of(export)]


def test_an_export_whose_connection_is_cut_is_begun_anew(export, folder, template, monkeypatch):
    make_many(template, 4000, "a long text " * 400)
    hints: list[int] = []
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: hints.append(ids["export_id"]))

    with process(folder, "-c", CUT_OFF_WRITER, str(export.pk)) as writer:
        assert writer.stdout
        said = writer.communicate(timeout=60)[0]
    assert "PGRES_COPY_OUT" in said
    assert said.endswith("over\n")
    assert (state(export), list(folder.iterdir())) == (ExportState.WRITING, [])
    export_services.sweep(timezone.now() + timedelta(seconds=export_writer.HINT_SECONDS + 1))
    export_services.write(hints[0])

    assert state(export) == ExportState.READY
    assert export.rows == 4004


def test_the_rows_of_a_running_export_are_only_those_of_the_moment_it_began(export, folder):
    export_services.write(export.pk)
    assert state(export) == ExportState.READY

    Subscriber.objects.all().update(first_name="Later")

    assert b"Later" not in export_files.path_of(export).read_bytes()
