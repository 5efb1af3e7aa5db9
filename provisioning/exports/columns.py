"""The cells of the exported CSV, written by PostgreSQL: their words, times and neutralised text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Case, Expression, F, TextField, Value, When
from django.utils import translation

from common.spreadsheet import SafeText, UtcTime
from provisioning.states import Status
from templates_app.models import Package

HEADER = (
    "BroadWorks ID",
    "First name",
    "Last name",
    "Email",
    "Package type",
    "Status",
    "Error code",
    "Error text",
    "Enterprise ID",
    "Primary phone",
    "Self-activated",
    "Created",
    "Last change",
)


def columns() -> dict[str, Expression]:
    """The cells of one row of CSV by alias, in the order of HEADER: text that no spreadsheet runs,
    times as ISO 8601.
    """
    return cells_of(text=lambda column: SafeText(F(column)), time=lambda column: UtcTime(F(column)))


def cells_of(
    *, text: Callable[[str], Expression], time: Callable[[str], Expression]
) -> dict[str, Expression]:
    """The cells of one row by alias, in the order of HEADER; the format says how it writes the
    text and the time of a column.

    Words are always English. "Self-activated" is `yes` or `no`; statuses and packages that we do
    not know are written as the backend writes them.
    """
    cells: tuple[Expression, ...] = (
        text("broadworks_id"),
        text("first_name"),
        text("last_name"),
        text("email"),
        _labelled("package", Package.choices, text),
        _labelled("status", Status.choices, text),
        text("error_code"),
        text("error_text"),
        text("enterprise_id"),
        text("primary_phone"),
        Case(When(self_activated=True, then=Value("yes")), default=Value("no")),
        time("backend_created_at"),
        time("last_change_at"),
    )
    return {f"cell_{number:02}": cell for number, cell in enumerate(cells, start=1)}


def _labelled(
    column: str, choices: list[tuple[str, Any]], text: Callable[[str], Expression]
) -> Case:
    with translation.override("en"):
        known = [When(**{column: value}, then=Value(str(label))) for value, label in choices]
    return Case(*known, default=text(column), output_field=TextField())
