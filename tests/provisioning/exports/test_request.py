"""Exports of the ticked users, of all but some, and how many there will be."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from provisioning.exports import files as export_files
from provisioning.exports import request as export_request
from provisioning.exports import services as export_services
from provisioning.exports import xlsx as export_xlsx
from provisioning.exports.request import EVERYBODY, Choice, ExportRefused
from provisioning.jobs import outbox
from provisioning.lists import filters
from provisioning.lists.filters import NOTHING, UserFilter
from provisioning.models import Export, Subscriber
from provisioning.states import ExportFormat, ExportState, Status
from tests import factories


@pytest.fixture(autouse=True)
def folder(tmp_path, settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: None)


@pytest.fixture
def people(template) -> dict[str, Subscriber]:
    return {name: factories.make_subscriber(template, broadworks_id=name) for name in "cabd"}


def start(user, template, choice: Choice = EVERYBODY, query: str = "") -> Export:
    now = timezone.now()
    actor = factories.actor_of(user)
    return export_services.start(
        actor=actor, template=template, chosen=filters.parse(query), choice=choice, now=now
    )


def ids_in(export: Export) -> list[str]:
    export_services.write(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.READY
    text = export_files.path_of(export).read_text("utf-8-sig")
    return [row["BroadWorks ID"] for row in csv.DictReader(io.StringIO(text, newline=""))]


# ---- Only the ticked ----


def test_only_the_ticked_are_in_the_file_in_the_order_of_the_screen(anna, template, people):
    choice = Choice(ticked=(people["d"].pk, people["a"].pk, people["c"].pk))

    export = start(anna, template, choice, "sort=-broadworks_id")

    assert export.total == 3
    assert ids_in(export) == ["d", "c", "a"]


def test_the_ticked_stay_when_the_filter_no_longer_takes_them(anna, template, people):
    export = start(anna, template, Choice(ticked=(people["a"].pk,)), "status=error&q=zzz")

    assert ids_in(export) == ["a"]


def test_the_ticked_are_frozen_at_the_click(anna, template, people):
    export = start(anna, template, Choice(ticked=(people["a"].pk, people["b"].pk)))
    factories.make_subscriber(template, broadworks_id="later")
    Subscriber.objects.filter(pk=people["b"].pk).update(deleted_at=timezone.now())

    assert ids_in(export) == ["a"]


def test_ids_of_others_do_not_count(anna, carla, partner, template, people):
    foreign = factories.make_subscriber(factories.make_template(carla.partner))
    elsewhere = factories.make_subscriber(factories.make_template(partner))
    ticked = (people["a"].pk, foreign.pk, elsewhere.pk, 2**62)

    export = start(anna, template, Choice(ticked=ticked))

    assert (export.ticked, export.total) == ([people["a"].pk], 1)
    assert ids_in(export) == ["a"]


def test_on_the_list_of_the_partner_the_ticked_may_be_of_any_of_its_templates(
    anna, carla, partner, people
):
    foreign = factories.make_subscriber(factories.make_template(carla.partner))
    other = factories.make_subscriber(factories.make_template(partner), broadworks_id="other")

    export = start(anna, None, Choice(ticked=(other.pk, people["a"].pk, foreign.pk)))

    assert sorted(ids_in(export)) == ["a", "other"]


def test_nobody_of_the_ticked_here_is_refused_with_words(anna, carla, template):
    foreign = factories.make_subscriber(factories.make_template(carla.partner))

    with pytest.raises(ExportRefused) as refused:
        start(anna, template, Choice(ticked=(foreign.pk,)))

    assert refused.value.code == "nobody"
    assert not Export.objects.exists()


@pytest.mark.parametrize("name", ["ticked", "left_out"])
def test_more_than_can_be_named_are_refused_with_words(anna, template, monkeypatch, name):
    monkeypatch.setattr(export_request, "MAX_NAMED", 1)

    with pytest.raises(ExportRefused, match="Export all that match") as refused:
        start(anna, template, Choice(**{name: (1, 2)}))

    assert refused.value.code == "too_many_named"


def test_all_but_some(anna, carla, template, people):
    foreign = factories.make_subscriber(factories.make_template(carla.partner))
    choice = Choice(left_out=(people["b"].pk, foreign.pk))

    export = start(anna, template, choice, "sort=broadworks_id")

    assert (export.ticked, export.left_out, export.total) == (None, [people["b"].pk], 3)
    assert ids_in(export) == ["a", "c", "d"]


def test_who_is_left_out_but_not_in_the_list_is_not_subtracted(anna, template, people):
    factories.make_subscriber(template, Status.ERROR)

    export = start(anna, template, Choice(left_out=(people["b"].pk,)), "status=error")

    assert export.total == 1


def test_another_choice_is_another_export(anna, template, people):
    first = start(anna, template, Choice(ticked=(people["a"].pk,)))

    assert start(anna, template, Choice(ticked=(people["a"].pk,))) == first
    with pytest.raises(ExportRefused) as refused:
        start(anna, template, Choice(ticked=(people["b"].pk,)))
    assert refused.value.code == "own_running"


def test_the_audit_says_how_many_were_named(anna, template, people):
    start(anna, template, Choice(ticked=(people["a"].pk, people["b"].pk)))

    assert AuditEvent.objects.get(action="export.start").after["ticked"] == 2


# ---- How many ----


def test_the_total_is_known_at_the_click(anna, partner, template, people):
    factories.make_subscriber(template, Status.ERROR)
    factories.make_subscriber(factories.make_template(partner))

    assert export_request.count(anna, template, NOTHING, EVERYBODY) == 5
    assert export_request.count(anna, template, UserFilter(statuses=("error",)), EVERYBODY) == 1
    assert export_request.count(anna, None, NOTHING, EVERYBODY) == 6
    assert (
        export_request.count(anna, None, UserFilter(template=template.uuid, q="a"), EVERYBODY)
        is not None
    )


def test_what_the_click_cannot_count_is_counted_before_it_is_written(anna, template, people):
    export = start(anna, template)
    Export.objects.update(total=None)

    ids_in(export)

    assert export.total == 4


# ---- Excel takes so many ----


def test_too_many_for_excel_are_refused_before_anything_is_written(
    anna, template, people, monkeypatch
):
    monkeypatch.setattr(export_xlsx, "MAX_ROWS", 3)

    with pytest.raises(ExportRefused, match="CSV") as refused:
        start(anna, template, Choice(format=ExportFormat.XLSX))

    assert refused.value.code == "too_many_rows"
    assert not Export.objects.exists()
    assert start(anna, template).format == ExportFormat.CSV


def test_as_many_as_excel_takes_are_taken(anna, template, people, monkeypatch):
    monkeypatch.setattr(export_xlsx, "MAX_ROWS", 4)

    export = start(anna, template, Choice(format=ExportFormat.XLSX))
    export_services.write(export.pk)

    export.refresh_from_db()
    assert (export.state, export.rows) == (ExportState.READY, 4)


def test_a_list_that_outgrew_excel_while_it_waited_is_a_clear_end(
    anna, template, people, monkeypatch, folder
):
    export = start(anna, template, Choice(format=ExportFormat.XLSX))
    monkeypatch.setattr(export_xlsx, "MAX_ROWS", 3)

    export_services.write(export.pk)

    export.refresh_from_db()
    assert (export.state, export.error) == (ExportState.FAILED, "PH-EXPORT-SIZE")
    assert list(folder.iterdir()) == []


def test_the_file_of_an_excel_export_is_found_and_tidied_by_its_own_name(
    anna, template, people, folder
):
    export = start(anna, template, Choice(format=ExportFormat.XLSX))
    export_services.write(export.pk)
    export.refresh_from_db()

    export_services.tidy(timezone.now() + timedelta(hours=2))

    assert export.file_name.endswith(".xlsx")
    assert [path.suffix for path in folder.iterdir()] == [".xlsx"]
    export_services.tidy(export.expires_at)
    assert list(folder.iterdir()) == []
