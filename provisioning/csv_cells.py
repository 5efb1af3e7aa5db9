"""The cells of the exported CSV, written by PostgreSQL: their words, times and neutralised text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Case, Expression, F, Func, TextField, Value, When
from django.utils import translation

from provisioning.states import Status
from templates_app.models import Package

#: Characters that only move or hide what follows: U+0020, the other spaces, zero-width marks.
_BLANKS = r" \u00A0\u1680\u2000-\u200F\u202F\u205F\u2060\u3000\uFEFF"
#: What makes a spreadsheet read a cell as a formula, the full-width forms of it too (S16).
_STARTERS = r"=+@\t\n\r\uFF1D\uFF0B\uFF0D\uFF20\-"
#: `+`, then digits, spaces, dashes, dots and parentheses, with a digit somewhere: a phone number.
_PHONE = r"[+][0-9 ().\-]*[0-9][0-9 ().\-]*$"

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


class SafeText(Func):
    """A text column as a cell that no spreadsheet runs.

    Text that would start a formula gets a leading `'`; plain phone numbers stay as they are.
    Most cells start with a letter or a digit: they are let through by two comparisons in byte
    order, before any pattern is tried. Only for columns: the expression stands in it repeatedly.
    """

    arity = 1
    output_field = TextField()
    template = (
        "CASE"
        " WHEN (%(expressions)s) COLLATE \"C\" >= 'A' AND (%(expressions)s) COLLATE \"C\" < '~'"
        " THEN %(expressions)s"
        " WHEN (%(expressions)s) COLLATE \"C\" >= '0' AND (%(expressions)s) COLLATE \"C\" < ':'"
        " THEN %(expressions)s"
        f" WHEN %(expressions)s ~ '^(?!{_PHONE})[{_BLANKS}]*[{_STARTERS}]'"
        " THEN '''' || %(expressions)s"
        " ELSE %(expressions)s END"
    )


class UtcTime(Func):
    """A time as ISO 8601 in UTC with seconds, "2026-11-24T11:02:11Z"; nothing when unknown."""

    arity = 1
    output_field = TextField()
    template = (
        "coalesce(to_char(%(expressions)s AT TIME ZONE 'UTC',"
        " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"
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
