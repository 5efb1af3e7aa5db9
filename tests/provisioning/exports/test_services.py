from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, ProgrammingError
from django.utils import timezone, translation

from accounts.models import AuditEvent
from provisioning import tasks
from provisioning.exports import files as export_files
from provisioning.exports import services as export_services
from provisioning.exports import writer as export_writer
from provisioning.jobs import outbox
from provisioning.lists import filters
from provisioning.models import Export
from provisioning.states import ExportState, Status
from tests import factories

HEADER = (
    "BroadWorks ID,First name,Last name,Email,Package type,Status,Error code,Error text,"
    "Enterprise ID,Primary phone,Self-activated,Created,Last change"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture(autouse=True)
def hints(monkeypatch) -> list[dict]:
    told: list[dict] = []
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: told.append({"task": task} | ids))
    return told


def start(user, template=None, query="", now=None) -> Export:
    return export_services.start(
        actor=factories.actor_of(user),
        template=template,
        chosen=filters.parse(query),
        now=now or timezone.now(),
    )


def written(export: Export) -> Export:
    tasks.write_export(export_id=export.pk)
    export.refresh_from_db()
    return export


def content(export: Export) -> bytes:
    return export_files.path_of(export).read_bytes()


def rows(export: Export) -> list[dict[str, str]]:
    text = content(export).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


# ---- The file ----


def test_the_file_is_csv_as_the_design_says(anna, template):
    factories.make_subscriber(
        template,
        Status.ERROR,
        broadworks_id="4570102030@nordictel.example",
        first_name="Søren",
        last_name='O"Neil, jr.',
        email="=cmd@firma.example",
        primary_phone="+45 70 10 20 30",
        error_code="200039",
        error_text="first line\nsecond line\r\nthird",
        self_activated=True,
        backend_created_at=datetime(2026, 11, 24, 11, 2, 11, 999000, tzinfo=UTC),
        last_change_at=datetime(2026, 11, 24, 11, 2, 12, tzinfo=UTC),
    )

    export = written(start(anna, template))

    assert content(export) == (
        b"\xef\xbb\xbf"
        + HEADER.encode()
        + b"\r\n"
        + (
            '"4570102030@nordictel.example","Søren","O""Neil, jr.","\'=cmd@firma.example",'
            '"Standard","Error","200039","first line\nsecond line\r\nthird","Nordictel+firma",'
            '"+45 70 10 20 30","yes","2026-11-24T11:02:11Z","2026-11-24T11:02:12Z"'
        ).encode()
        + b"\r\n"
    )


def test_the_row_says_what_the_file_is(anna, template):
    for _ in range(3):
        factories.make_subscriber(template)

    export = written(start(anna, template))

    assert (export.state, export.rows) == (ExportState.READY, 3)
    assert export.size == len(content(export))
    assert export.sha256 == hashlib.sha256(content(export)).hexdigest()


def test_a_list_of_nobody_is_a_file_with_its_header(anna, template):
    export = written(start(anna, template))

    assert content(export).decode("utf-8-sig") == HEADER + "\r\n"
    assert export.rows == 0


def test_a_large_list_is_whole(anna, template):
    factories.copy_subscriber(
        factories.make_subscriber(template), 3000, error_text=r"repeat(E'long text\n', 30)"
    )

    export = written(start(anna, template))

    assert export.rows == len(rows(export)) == 3001
    assert export.size == len(content(export)) > 2 * export_files._BLOCK


@pytest.mark.parametrize("language", ["en", "da"])
def test_words_are_english_whatever_the_reader_speaks(anna, template, language):
    factories.make_subscriber(template, Status.WAITING_CONFIRMATION, package="premium")

    with translation.override(language):
        row = rows(written(start(anna, template)))[0]

    assert row["Status"] == "Waiting for email confirmation"
    assert row["Package type"] == "Premium"
    assert row["Self-activated"] == "no"


def test_words_of_the_backend_that_we_do_not_know_stay_as_they_are(anna, template):
    factories.make_subscriber(template, "hibernating", package="=gold")

    row = rows(written(start(anna, template)))[0]

    assert (row["Status"], row["Package type"]) == ("hibernating", "'=gold")


def test_an_unknown_time_is_an_empty_cell(anna, template):
    factories.make_subscriber(template, backend_created_at=None)

    assert rows(written(start(anna, template)))[0]["Created"] == ""


# ---- Whose rows, in which order ----


def test_rows_and_order_are_those_of_the_screen(anna, template):
    for name, status in [("c", Status.ERROR), ("a", Status.ERROR), ("b", Status.PROVISIONED)]:
        factories.make_subscriber(template, status, broadworks_id=name)

    everybody = rows(written(start(anna, template, "sort=broadworks_id")))
    in_error = rows(written(start(anna, template, "status=error&sort=-broadworks_id&per_page=25")))

    assert [row["BroadWorks ID"] for row in everybody] == ["a", "b", "c"]
    assert [row["BroadWorks ID"] for row in in_error] == ["c", "a"]


def test_the_order_by_itself_is_the_last_change_first(anna, template):
    for minutes in (5, 1, 3):
        factories.make_subscriber(template, broadworks_id=f"m{minutes}", minutes_ago=minutes)

    found = rows(written(start(anna, template)))

    assert [row["BroadWorks ID"] for row in found] == ["m1", "m3", "m5"]


def test_search_and_name_order_reach_the_file(anna, template):
    for first in ("Åse", "Anna", "Zoe"):
        factories.make_subscriber(template, first_name=first, last_name="Holm")
    factories.make_subscriber(template, first_name="Per", last_name="Berg")

    found = rows(written(start(anna, template, "q=holm&sort=name")))

    assert [row["First name"] for row in found] == ["Anna", "Zoe", "Åse"]


def test_only_live_users_of_the_template_are_in_the_file(anna, carla, partner, template):
    factories.make_subscriber(template, broadworks_id="mine")
    factories.make_subscriber(template, broadworks_id="gone", deleted_at=timezone.now())
    factories.make_subscriber(factories.make_template(partner), broadworks_id="elsewhere")
    factories.make_subscriber(factories.make_template(carla.partner), broadworks_id="foreign")

    of_template = rows(written(start(anna, template)))
    of_partner = rows(written(start(anna)))

    assert [row["BroadWorks ID"] for row in of_template] == ["mine"]
    assert {row["BroadWorks ID"] for row in of_partner} == {"mine", "elsewhere"}


def test_a_foreign_template_in_the_filter_gives_no_file(anna, carla, folder):
    foreign = factories.make_template(carla.partner)
    factories.make_subscriber(foreign)

    export = written(start(anna, None, f"template={foreign.uuid}"))

    assert (export.state, export.error) == (ExportState.FAILED, export_writer.NO_TEMPLATE)
    assert not folder.exists()


def test_a_template_deleted_meanwhile_is_a_clear_end(anna, template, folder):
    export = start(anna, template)
    template.delete()

    assert written(export).error == export_writer.NO_TEMPLATE
    assert not folder.exists()


def test_the_query_says_the_template_even_when_the_address_says_another(anna, partner, template):
    other = factories.make_template(partner)
    factories.make_subscriber(other)

    export = start(anna, template, f"template={other.uuid}")

    assert str(template.uuid) in export.query
    assert rows(written(export)) == []


# ---- Accepting ----


def test_starting_is_audited_hinted_and_expires_in_a_day(
    anna, template, hints, django_capture_on_commit_callbacks
):
    now = timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        export = start(anna, template, "status=error", now=now)

    event = AuditEvent.objects.get(action="export.start")
    assert (event.actor, event.partner, event.object_id) == (anna, anna.partner, str(export.uuid))
    assert event.after == {
        "template": "SMB Denmark",
        "query": export.query,
        "format": "csv",
    }
    assert hints == [{"task": "provisioning.export", "export_id": export.pk}]
    assert export.expires_at == now + timedelta(hours=24)


def test_the_file_name_is_ours(anna, partner):
    template = factories.make_template(partner, "Små & Ærlige/../\r\nkunder")

    export = start(anna, template, now=datetime(2026, 11, 24, 23, 30, tzinfo=UTC))

    assert export.file_name == "user-status-smaa-aerlige-kunder-2026-11-25.csv"


@pytest.mark.parametrize("letter", ["æ", "ﬃ", "-"])
def test_a_long_name_makes_a_short_file_name(anna, partner, letter):
    template = factories.make_template(partner, "a" + letter * 99)

    export = start(anna, template)

    assert len(export.file_name) < 130
    assert export.file_name.endswith(".csv")


def test_the_file_is_named_after_the_template_of_the_filter(anna, carla, partner):
    own = factories.make_template(partner, "Hotels")
    foreign = factories.make_template(carla.partner, "Secret")

    assert start(anna, None, f"template={own.uuid}").file_name.startswith("user-status-hotels-")
    Export.objects.all().delete()
    named = start(anna, None, f"template={foreign.uuid}").file_name
    assert named.startswith("user-status-nordictel-")


def test_asking_twice_for_the_same_is_one_export(anna, template):
    assert start(anna, template, "q=a") == start(anna, template, "q=a&per_page=25")


def test_one_export_of_a_person_runs_at_a_time(anna, template):
    running = start(anna, template)

    with pytest.raises(export_services.ExportRefused) as refused:
        start(anna, template, "q=other")

    assert (refused.value.code, refused.value.running) == ("own_running", running)


def test_three_exports_of_a_partner_run_at_a_time(anna, bo, rie, carla, partner, template):
    for person in (anna, bo, rie):
        start(person, template)
    fourth = factories.make_user(partner)

    with pytest.raises(export_services.ExportRefused) as refused:
        start(fourth, template)

    assert refused.value.code == "too_many"
    assert start(carla).state == ExportState.QUEUED


def test_a_finished_export_makes_room(anna, template):
    written(start(anna, template))

    assert start(anna, template).state == ExportState.QUEUED


@pytest.mark.parametrize("who", ["operations", "stranger", "nobody"])
def test_who_may_not_see_may_not_export(who, carla, template):
    person = {
        "operations": factories.make_user(None),
        "stranger": carla,
        "nobody": factories.make_user(template.partner, role=""),
    }[who]

    with pytest.raises(export_services.PermissionDenied):
        start(person, template)


# ---- Trouble ----


def test_a_full_disk_fails_the_export_and_leaves_no_file(anna, template, folder, monkeypatch):
    factories.make_subscriber(template)
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC))

    export = written(start(anna, template))

    assert (export.state, export.error) == (ExportState.FAILED, export_writer.DISK_FULL)
    assert list(folder.iterdir()) == []


def test_a_disk_that_fills_up_in_the_middle_fails_the_export(anna, template, folder, monkeypatch):
    factories.make_subscriber(template)
    monkeypatch.setattr(export_files, "_BLOCK", 1)
    monkeypatch.setattr(export_files._CsvFile, "flush", refuse(errno.ENOSPC))

    export = written(start(anna, template))

    assert (export.state, export.error) == (ExportState.FAILED, export_writer.DISK_FULL)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_fails_the_export(anna, template, folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")

    export = written(start(anna, template))

    assert (export.state, export.error) == (ExportState.FAILED, export_writer.NO_FILE)


def test_trouble_of_the_database_leaves_the_export_to_be_begun_anew(
    anna, template, hints, monkeypatch
):
    export = start(anna, template)
    with monkeypatch.context() as patch:
        patch.setattr(export_files, "write", refuse_by(OperationalError("gone")))
        assert written(export).state == ExportState.WRITING

    export_services.sweep(timezone.now() + timedelta(seconds=export_writer.HINT_SECONDS + 1))

    assert hints[-1] == {"task": "provisioning.export", "export_id": export.pk}
    assert written(export).state == ExportState.READY


def test_an_error_of_ours_in_a_statement_is_a_clear_end(anna, template, monkeypatch):
    export = start(anna, template)
    monkeypatch.setattr(export_files, "write", refuse_by(ProgrammingError("no such column")))

    assert written(export).state == ExportState.FAILED
    assert written(export).error == export_writer.BROKEN


@pytest.mark.parametrize("query", ["q=nordictel", "q=+45", "q=nordictel&status=error"])
def test_a_search_cuts_no_text_into_pieces_to_find_all(anna, template, query):
    """Where nearly everybody has the word PostgreSQL would do so for each: for minutes."""
    export = start(anna, template, query)

    assert "grams" not in export_writer.users_of(export).explain(verbose=True)


def test_a_person_who_lost_the_right_gets_no_file(anna, template, folder):
    export = start(anna, template)
    anna.is_active = False
    anna.save()

    assert written(export).error == export_writer.NO_RIGHT
    assert not folder.exists()


def test_an_export_that_nobody_took_is_hinted_at_again(anna, template, hints):
    export = start(anna, template)
    hints.clear()

    export_services.sweep(timezone.now())
    assert hints == []
    export_services.sweep(timezone.now() + timedelta(seconds=export_writer.HINT_SECONDS + 1))

    assert hints == [{"task": "provisioning.export", "export_id": export.pk}]


def test_an_export_that_nobody_finishes_is_given_up(anna, template, folder):
    export = start(anna, template)

    export_services.sweep(timezone.now() + export_writer.GIVE_UP)
    export.refresh_from_db()

    assert (export.state, export.error) == (ExportState.FAILED, export_writer.TOO_LATE)
    tasks.write_export(export_id=export.pk)
    assert not folder.exists()


def test_a_writer_who_comes_too_late_leaves_no_file(anna, template, folder, monkeypatch):
    export = start(anna, template)
    real = export_files.write

    def slow(row, users, on_read):
        result = real(row, users, on_read)
        export_services.sweep(timezone.now() + export_writer.GIVE_UP)
        return result

    monkeypatch.setattr(export_files, "write", slow)

    assert written(export).state == ExportState.FAILED
    assert list(folder.iterdir()) == []


# ---- Keeping and ending ----


def test_the_file_and_its_folder_are_private(anna, template, folder):
    export = written(start(anna, template))

    assert folder.stat().st_mode & 0o777 == 0o700
    assert export_files.path_of(export).stat().st_mode & 0o777 == 0o600


def test_tidying_deletes_files_past_their_time_and_no_others(anna, template, folder):
    old, young = written(start(anna, template)), written(start(anna, template, "q=x"))
    Export.objects.filter(pk=old.pk).update(expires_at=timezone.now())

    export_services.tidy(timezone.now())

    old.refresh_from_db()
    assert old.state == ExportState.EXPIRED
    assert [path.name for path in folder.iterdir()] == [export_files.path_of(young).name]


def test_tidying_deletes_what_a_killed_writer_left_once_it_is_old(anna, template, folder):
    export = written(start(anna, template))
    left = folder / f".writing-{export.uuid.hex}-abc"
    left.write_bytes(b"half")

    export_services.tidy(timezone.now())
    assert left.exists()
    export_services.tidy(timezone.now() + export_writer.GIVE_UP + timedelta(minutes=1))

    assert not left.exists()
    assert export_files.path_of(export).exists()


def test_tidying_goes_on_when_a_writer_finishes_meanwhile(anna, template, folder, monkeypatch):
    left, gone = folder / ".writing-left", folder / ".writing-gone"
    export = written(start(anna, template))
    left.mkdir()
    listed = [gone, *folder.iterdir()]
    monkeypatch.setattr(export_files.Path, "iterdir", lambda path: iter(listed))

    export_services.tidy(timezone.now() + export_writer.GIVE_UP + timedelta(minutes=1))

    assert not left.exists()
    assert export_files.path_of(export).exists()


def refuse(number: int):
    return refuse_by(OSError(number, os.strerror(number)))


def refuse_by(error: Exception):
    def raising(*args, **kwargs):
        raise error

    return raising
