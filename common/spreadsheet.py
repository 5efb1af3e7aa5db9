"""Text and times as cells that no spreadsheet takes for a formula, written by PostgreSQL."""

from __future__ import annotations

from django.db.models import Func, TextField

#: Characters that only move or hide what follows: U+0020, the other spaces, zero-width marks.
_BLANKS = r" \u00A0\u1680\u2000-\u200F\u202F\u205F\u2060\u3000\uFEFF"


#: What makes a spreadsheet read a cell as a formula, the full-width forms of it too (S16).
_STARTERS = r"=+@\t\n\r\uFF1D\uFF0B\uFF0D\uFF20\-"


#: `+`, then digits, spaces, dashes, dots and parentheses, with a digit somewhere: a phone number.
_PHONE = r"[+][0-9 ().\-]*[0-9][0-9 ().\-]*$"


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
