"""The Excel file: opened as what it is, an archive of XML."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree
from django.utils import timezone

from provisioning.exports import services as export_services
from provisioning.exports import xlsx as export_xlsx
from provisioning.exports.columns import HEADER
from provisioning.exports.files import path_of
from provisioning.exports.request import Choice
from provisioning.jobs import outbox
from provisioning.lists import filters
from provisioning.models import Export
from provisioning.states import ExportFormat, ExportState, Status
from tests import factories

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DAYS_FROM = datetime(1899, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: None)


def excel(user, template, query: str = "") -> Export:
    actor, choice = factories.actor_of(user), Choice(format=ExportFormat.XLSX)
    export = export_services.start(
        actor=actor,
        template=template,
        chosen=filters.parse(query),
        choice=choice,
        now=timezone.now(),
    )
    export_services.write(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.READY
    return export


def parts(export: Export) -> dict[str, Any]:
    """Every part of the archive, each well-formed."""
    with zipfile.ZipFile(path_of(export)) as archive:
        assert archive.testzip() is None
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


def sheet(export: Export) -> Any:
    return parts(export)["xl/worksheets/sheet1.xml"]


def cells(export: Export) -> list[dict[str, tuple[str, str]]]:
    """For each row the cells by column letter: their type and their text."""
    found = []
    for row in sheet(export).iter(f"{MAIN}row"):
        found.append({})
        for cell in row.iter(f"{MAIN}c"):
            letter = cell.get("r").rstrip("0123456789")
            text = "".join(cell.itertext())
            found[-1][letter] = (cell.get("t", "n"), text)
    return found


def test_cells_are_text_and_times_are_times(anna, template):
    factories.make_subscriber(
        template,
        Status.ERROR,
        broadworks_id="4570102030",
        first_name="=1+1",
        last_name="https://firma.example",
        email="+cmd@firma.example",
        primary_phone="+45 70 10 20 30",
        error_code="200039",
        error_text="first\nsecond",
        enterprise_id="007",
        backend_created_at=None,
        last_change_at=datetime(2026, 11, 24, 11, 2, 12, 900000, tzinfo=UTC),
    )

    header, row = cells(excel(anna, template))

    assert [text for _, text in header.values()] == list(HEADER)
    assert row["A"] == ("inlineStr", "4570102030")
    assert [row[letter] for letter in "BCDGHIJ"] == [
        ("inlineStr", text)
        for text in (
            "=1+1",
            "https://firma.example",
            "+cmd@firma.example",
            "200039",
            "first\nsecond",
            "007",
            "+45 70 10 20 30",
        )
    ]
    kind, days = row["M"]
    assert kind == "n"
    shown = DAYS_FROM + timedelta(seconds=round(float(days) * 86400))
    assert shown == datetime(2026, 11, 24, 11, 2, 12, tzinfo=UTC)
    assert row.get("L", ("n", "")) == ("n", "")


def test_nothing_in_the_book_is_a_formula_or_leads_out_of_it(anna, template):
    factories.make_subscriber(template, first_name='=HYPERLINK("http://x.example")')

    found = parts(excel(anna, template))

    assert not list(found["xl/worksheets/sheet1.xml"].iter(f"{MAIN}f"))
    assert not [name for name in found if "sheet1.xml.rels" in name]
    assert not [
        relation
        for name, part in found.items()
        if name.endswith(".rels")
        for relation in part
        if relation.get("TargetMode") == "External"
    ]


def test_the_head_stays_in_view_and_filters(anna, template):
    factories.make_subscriber(template)

    found = sheet(excel(anna, template))

    pane = next(found.iter(f"{MAIN}pane"))
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    assert next(found.iter(f"{MAIN}autoFilter")).get("ref") == "A1:M2"
    assert len(list(found.iter(f"{MAIN}col"))) >= 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bell \x07 and \x1b[0m", "bell _x0007_ and _x001B_[0m"),
        ("return\rhere", "return_x000D_here"),
        ("_x0041_", "_x005F_x0041_"),
        ("\ufffe\uffff!", "\ufffd\ufffd!"),
        ("<r><t>rich</t></r>", "<r><t>rich</t></r> "),
        ("<r>&</r>", "<r>&</r> "),
        (" blank ends ", " blank ends "),
        ("a & b < c \"d\" 'e' ]]>", "a & b < c \"d\" 'e' ]]>"),
        ("😀 Ærø", "😀 Ærø"),
    ],
)
def test_odd_text_does_not_break_the_file(anna, template, text, shown):
    factories.make_subscriber(template, Status.ERROR, error_text=text)

    assert cells(excel(anna, template))[1]["H"] == ("inlineStr", shown)


@pytest.mark.parametrize("text", ["x" * 40_000, "😀" * 20_000, "x" + "😀" * 200_000])
def test_text_that_excel_cannot_hold_is_cut_and_says_so(anna, template, text):
    factories.make_subscriber(template, Status.ERROR, error_text=text)

    shown = cells(excel(anna, template))[1]["H"][1]

    assert shown.endswith("…")
    assert text.startswith(shown[:-1])
    assert (
        export_xlsx.MAX_CELL_UNITS - 2
        < len(shown.encode("utf-16-le")) // 2
        <= export_xlsx.MAX_CELL_UNITS
    )


def test_text_of_just_the_longest_stays_whole():
    text = "x" * export_xlsx.MAX_CELL_UNITS

    assert export_xlsx.held(text) == text


def test_rows_and_order_are_those_of_the_screen(anna, template):
    for name in "bca":
        factories.make_subscriber(template, Status.ERROR, broadworks_id=name)
    factories.make_subscriber(template)

    rows = cells(excel(anna, template, "status=error&sort=broadworks_id"))

    assert [row["A"][1] for row in rows] == ["BroadWorks ID", "a", "b", "c"]
    assert [row["F"][1] for row in rows[1:]] == ["Error"] * 3


def test_a_list_of_nobody_is_a_book_with_its_header(anna, template):
    assert len(cells(excel(anna, template))) == 1


def test_only_the_finished_file_stays_in_the_folder(anna, template, folder):
    export = excel(anna, template)

    assert [path.name for path in folder.iterdir()] == [path_of(export).name]
    assert path_of(export).stat().st_size == export.size
