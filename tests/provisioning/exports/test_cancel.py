"""Cancelling an export, its progress, and disks that are full."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.utils import timezone
from psycopg2.errors import DiskFull

from accounts.models import AuditEvent
from provisioning.exports import files as export_files
from provisioning.exports import progress as export_progress
from provisioning.exports import services as export_services
from provisioning.exports import writer as export_writer
from provisioning.exports.request import Choice
from provisioning.jobs import outbox
from provisioning.lists.filters import NOTHING
from provisioning.models import Export
from provisioning.states import ExportFormat, ExportState
from tests import factories
from tests.provisioning.exports.test_writer import SLOW_WRITER, make_many, process, until


@pytest.fixture(autouse=True)
def folder(tmp_path, settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: None)


def start(user, template, kind: ExportFormat = ExportFormat.CSV) -> Export:
    actor, now = factories.actor_of(user), timezone.now()
    return export_services.start(
        actor=actor, template=template, chosen=NOTHING, choice=Choice(format=kind), now=now
    )


def state(export: Export) -> str:
    export.refresh_from_db()
    return export.state


# ---- Cancelling ----


def test_a_cancelled_export_is_never_written(db, anna, template, folder):
    export = start(anna, template)

    assert export_services.cancel(export, actor=factories.actor_of(anna))
    export_services.write(export.pk)
    export_services.sweep(timezone.now() + timedelta(hours=2))

    assert state(export) == ExportState.CANCELLED
    assert not folder.exists()
    assert AuditEvent.objects.get(action="export.cancel").object_id == str(export.uuid)


def test_a_cancelled_export_makes_room(db, anna, template):
    first = start(anna, template)
    export_services.cancel(first, actor=factories.actor_of(anna))

    assert start(anna, template) != first


def test_what_has_ended_is_not_cancelled(db, anna, template):
    export = start(anna, template)
    export_services.write(export.pk)

    assert not export_services.cancel(export, actor=factories.actor_of(anna))
    assert state(export) == ExportState.READY
    assert export_files.path_of(export).exists()
    assert not AuditEvent.objects.filter(action="export.cancel").exists()


@pytest.mark.parametrize("who", ["bo", "carla", "without a role", "moved"])
def test_nobody_else_cancels(db, anna, bo, carla, template, who):
    export = start(anna, template)
    if who == "without a role":
        anna.role = ""
    if who == "moved":
        anna.partner = carla.partner
    person = {"bo": bo, "carla": carla}.get(who, anna)

    with pytest.raises(PermissionDenied):
        export_services.cancel(export, actor=factories.actor_of(person))

    assert state(export) == ExportState.QUEUED


@pytest.mark.parametrize("kind", list(ExportFormat))
def test_one_cancelled_after_its_last_row_leaves_no_file(
    db, anna, template, folder, monkeypatch, kind
):
    factories.make_subscriber(template)
    export = start(anna, template, kind)
    real = os.fsync

    def cancelled_first(number: int) -> None:
        export_services.cancel(export, actor=factories.actor_of(anna))
        real(number)

    monkeypatch.setattr(os, "fsync", cancelled_first)
    export_services.write(export.pk)

    assert state(export) == ExportState.CANCELLED
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("by", ["the click", "the sweep"])
def test_cancelling_ends_the_copy_at_once(
    transactional_db, anna, template, folder, monkeypatch, by
):
    make_many(template, 4000, "a long text " * 400)
    export = start(anna, template)
    writer_of_rows = SLOW_WRITER.replace("time.sleep(60)", "time.sleep(0.01)")
    with process(folder, "-c", writer_of_rows, str(export.pk)) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        if by == "the sweep":
            Export.objects.update(state=ExportState.CANCELLED)
            export_services.sweep(timezone.now())
        else:
            export_services.cancel(export, actor=factories.actor_of(anna))
        before_it_ended = writer.stdout.read().count("writing")
        writer.wait(100)

    assert before_it_ended < 2500  # what was on its way already, of 4001
    assert state(export) == ExportState.CANCELLED
    assert list(folder.iterdir()) == []


# ---- Progress ----


def test_progress_of_a_running_export(transactional_db, anna, template, folder):
    make_many(template, 4000, "a long text " * 400)
    export = start(anna, template)
    with process(folder, "-c", SLOW_WRITER, str(export.pk)) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        export.refresh_from_db()
        began = export.writing_at
        assert began is not None
        progress = export_progress.progress_of(export, began + timedelta(seconds=10))

    assert progress.total == export.total == 4001
    assert 0 < progress.rows < 4001
    assert not progress.is_finishing


def writing(anna, template, **fields) -> Export:
    export = start(anna, template)
    began = timezone.now() - timedelta(seconds=10)
    values = {"state": ExportState.WRITING, "writing_at": began, "total": 400_000} | fields
    Export.objects.filter(pk=export.pk).update(**values)
    export.refresh_from_db()
    return export


@pytest.mark.parametrize(
    ("rows", "kind", "left"),
    [
        (100_000, "csv", 30),
        (200_000, "csv", 10),
        (200_000, "xlsx", 13),
        (400_000, "csv", 1),
        (500_000, "csv", 1),
        (100, "csv", None),
        (0, "csv", None),
    ],
)
def test_what_is_left_goes_by_what_was_done(db, anna, template, monkeypatch, rows, kind, left):
    export = writing(anna, template, format=kind)
    monkeypatch.setattr(export_progress, "rows_so_far", lambda export: rows)

    now = export.writing_at + timedelta(seconds=10)
    progress = export_progress.progress_of(export, now)

    assert (progress.rows, progress.seconds_left) == (rows, left)
    assert progress.total == max(rows, 400_000)


def test_nobody_knows_what_is_left_of_an_uncounted_list(db, anna, template, monkeypatch):
    export = writing(anna, template, total=None)
    monkeypatch.setattr(export_progress, "rows_so_far", lambda export: 1000)

    progress = export_progress.progress_of(export, timezone.now())

    assert (progress.total, progress.seconds_left) == (None, None)


def test_after_the_last_row_the_file_is_being_finished(db, anna, template, monkeypatch):
    seen = []
    factories.make_subscriber(template)
    export = start(anna, template, ExportFormat.XLSX)

    real = os.fsync

    def look(number: int) -> None:
        export.refresh_from_db()
        seen.append(export_progress.progress_of(export, timezone.now()))
        real(number)

    monkeypatch.setattr(os, "fsync", look)
    export_services.write(export.pk)

    assert [(one.is_finishing, one.rows, one.total) for one in seen] == [(True, 1, 1)]


# ---- No room ----

#: A process that may write files of so many bytes, as on a disk that fills up.
SMALL_DISK = """
import resource, signal, sys, django
django.setup()
from provisioning.exports import services
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
services.write(int(sys.argv[1]))
"""


@pytest.mark.parametrize("room", [200_000, 2_000])
@pytest.mark.parametrize("kind", list(ExportFormat))
def test_no_room_for_the_file_is_a_clear_end(transactional_db, anna, template, folder, kind, room):
    texts = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(400))
    make_many(template, 1500, texts)
    export = start(anna, template, kind)

    with process(folder, "-c", SMALL_DISK, str(export.pk), str(room)) as writer:
        assert writer.stdout
        said = writer.stdout.read()
        writer.wait(100)

    assert (state(export), export.error) == (ExportState.FAILED, export_writer.DISK_FULL), said
    assert list(folder.iterdir()) == []


def test_no_room_in_the_database_is_a_clear_end(db, anna, template, monkeypatch):
    def full(*args: object) -> None:
        raise OperationalError("could not write block") from DiskFull()

    monkeypatch.setattr(export_files, "write", full)
    export = start(anna, template)
    export_services.write(export.pk)

    assert (state(export), export.error) == (ExportState.FAILED, export_writer.DISK_FULL)


def test_excel_killed_at_work_is_written_anew(transactional_db, anna, template, folder):
    factories.make_subscriber(template)
    export = start(anna, template, ExportFormat.XLSX)
    stall = (
        "import sys, time, django\ndjango.setup()\n"
        "from provisioning.exports import services, xlsx\n"
        "def close(self):\n print('packing', flush=True)\n time.sleep(60)\n"
        "xlsx.XlsxFile.close = close\nservices.write(int(sys.argv[1]))\n"
    )
    with process(folder, "-c", stall, str(export.pk)) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "packing\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait(100)
    left = list(folder.iterdir())

    until(lambda: export_services.write(export.pk) or state(export) == ExportState.READY)

    assert [path.is_dir() for path in left] == [True]
    export_services.tidy(timezone.now() + export_writer.GIVE_UP + timedelta(minutes=1))
    assert list(folder.iterdir()) == [export_files.path_of(export)]
