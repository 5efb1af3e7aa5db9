"""The columns of exported files: names, widths, and the cells, which PostgreSQL writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Case, Expression, F, TextField, Value, When
from django.utils import translation

from common.spreadsheet import SafeText, UtcTime
from provisioning.states import Status
from templates_app.models import Package


@dataclass(frozen=True)
class Format:
    """How a kind of file writes the text and the time of a column of the database."""

    text: Callable[[str], Expression]
    time: Callable[[str], Expression]


class Column(NamedTuple):
    """One column of the file; the names are public, so tell the people who read the files.

    Attributes:
        width: in a sheet, in characters.
        cell: of one row, as the format writes it.
    """

    name: str
    width: int
    cell: Callable[[Format], Expression]
    is_time: bool = False


def _text(column: str) -> Callable[[Format], Expression]:
    return lambda written: written.text(column)


def _time(name: str, width: int, column: str) -> Column:
    return Column(name, width, lambda written: written.time(column), is_time=True)


def _word(column: str, choices: list[tuple[str, Any]]) -> Callable[[Format], Expression]:
    """The word of a status or package, always English; one that we do not know as it is."""

    def cell(written: Format) -> Expression:
        with translation.override("en"):
            known = [When(**{column: value}, then=Value(str(label))) for value, label in choices]
        return Case(*known, default=written.text(column), output_field=TextField())

    return cell


def _self_activated(written: Format) -> Expression:
    return Case(When(self_activated=True, then=Value("yes")), default=Value("no"))


COLUMNS = (
    Column("BroadWorks ID", 34, _text("broadworks_id")),
    Column("First name", 16, _text("first_name")),
    Column("Last name", 20, _text("last_name")),
    Column("Email", 34, _text("email")),
    Column("Package type", 14, _word("package", Package.choices)),
    Column("Status", 28, _word("status", Status.choices)),
    Column("Error code", 12, _text("error_code")),
    Column("Error text", 50, _text("error_text")),
    Column("Enterprise ID", 24, _text("enterprise_id")),
    Column("Primary phone", 18, _text("primary_phone")),
    Column("Self-activated", 14, _self_activated),
    _time("Created", 22, "backend_created_at"),
    _time("Last change", 22, "last_change_at"),
)
HEADER = tuple(column.name for column in COLUMNS)
CSV = Format(
    text=lambda column: SafeText(F(column)),  # that no spreadsheet runs
    time=lambda column: UtcTime(F(column)),  # ISO 8601
)


def columns() -> dict[str, Expression]:
    """The cells of one row of CSV by alias, in the order of COLUMNS."""
    return cells_of(CSV)


def cells_of(written: Format) -> dict[str, Expression]:
    """The cells of one row by alias, in the order of COLUMNS."""
    cells = (column.cell(written) for column in COLUMNS)
    return {f"cell_{number:02}": cell for number, cell in enumerate(cells, start=1)}
