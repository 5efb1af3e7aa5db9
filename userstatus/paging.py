"""Keyset pages: a page begins after a row, not after a number of rows.

A cursor is what the sort compares (`sort_key`) and the id of one row, as URL-safe text. It is not
secret and not signed: whatever it says, the query behind it is the reader's own list.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import F
from django.db.models.fields.tuple_lookups import Tuple as Row
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan
from django.http import QueryDict

from provisioning import filtering
from provisioning.models import Subscriber

SIZES = (25, 50, 100)
DEFAULT_SIZE = 50
#: `before=end` is the last page.
END = "end"
_LONGEST = 4000


class BadCursor(ValueError):
    """The text is no cursor of this order."""


@dataclass(frozen=True)
class Place:
    """Where a page is asked to be: after or before a row; neither is the first page."""

    size: int = DEFAULT_SIZE
    after: str = ""
    before: str = ""
    #: The URL asked for a number of rows that is not offered.
    odd_size: bool = False

    @classmethod
    def parse(cls, data: QueryDict) -> Place:
        """Read `per_page`, `after` and `before`."""
        text = data.get("per_page", "")
        size = int(text) if text in {str(size) for size in SIZES} else DEFAULT_SIZE
        odd = bool(text) and text != str(size)
        return cls(size, data.get("after", ""), data.get("before", ""), odd)


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        rows: in the order of the screen.
        first: number of the first row, from 1; 0 on an empty page.
        total: rows on all pages.
        previous, following: cursors for `before` and `after`, "" when there is nothing there.
        lost: the cursor could not be read, so this is the first page.
    """

    rows: list[Subscriber]
    first: int
    total: int
    size: int
    previous: str = ""
    following: str = ""
    lost: bool = False

    @property
    def last(self) -> int:
        """Number of the last row."""
        return self.first + len(self.rows) - 1 if self.rows else 0


def page(users: QuerySet[Subscriber], sort: str, place: Place, total: int) -> Page:
    """The page of narrowed users at a place; `total` is their number.

    Two queries at most: the rows, and how many stand before them. A page that would be short
    because rows have left is filled from the other side.
    """
    users = filtering.ordered(users, sort)
    try:
        if place.before == END:
            return _last(users, sort, place.size, total)
        if place.before:
            return _before(users, sort, place, total)
        if place.after:
            return _after(users, sort, place, total)
    except BadCursor:
        return _first(users, sort, place.size, total, lost=True)
    return _first(users, sort, place.size, total)


def _first(
    users: QuerySet[Subscriber], sort: str, size: int, total: int, *, lost: bool = False
) -> Page:
    rows = list(users[: size + 1])
    following = cursor(rows[size - 1], sort) if len(rows) > size else ""
    rows = rows[:size]
    return Page(rows, 1 if rows else 0, total, size, following=following, lost=lost)


def _last(users: QuerySet[Subscriber], sort: str, size: int, total: int) -> Page:
    count = total % size or size
    rows = list(users.reverse()[:count])[::-1]
    previous = cursor(rows[0], sort) if rows and total > len(rows) else ""
    return Page(rows, max(total - len(rows), 0) + 1 if rows else 0, total, size, previous)


def _after(users: QuerySet[Subscriber], sort: str, place: Place, total: int) -> Page:
    key = _key(place.after, sort)
    rows = list(_beyond(users, key, forward=not sort.startswith("-"))[: place.size + 1])
    if not rows:
        return _last(users, sort, place.size, total)
    more = len(rows) > place.size
    rows = rows[: place.size]
    first = _count_before(users, rows[0], sort) + 1
    return Page(
        rows,
        first,
        max(total, first + len(rows) - 1),
        place.size,
        previous=cursor(rows[0], sort) if first > 1 else "",
        following=cursor(rows[-1], sort) if more else "",
    )


def _before(users: QuerySet[Subscriber], sort: str, place: Place, total: int) -> Page:
    key = _key(place.before, sort)
    backwards = _beyond(users, key, forward=sort.startswith("-")).reverse()
    rows = list(backwards[: place.size])[::-1]
    if len(rows) < place.size:
        return _first(users, sort, place.size, total)
    first = _count_before(users, rows[0], sort) + 1
    last = first + len(rows) - 1
    return Page(
        rows,
        first,
        max(total, last),
        place.size,
        previous=cursor(rows[0], sort) if first > 1 else "",
        following=cursor(rows[-1], sort) if total > last else "",
    )


def _count_before(users: QuerySet[Subscriber], row: Any, sort: str) -> int:
    key = (row.sort_key, row.pk)
    return _beyond(users, key, forward=sort.startswith("-")).count()


def _beyond(
    users: QuerySet[Subscriber], key: tuple[Any, int], *, forward: bool
) -> QuerySet[Subscriber]:
    """Rows whose (sort_key, id) is greater, or smaller: one row comparison, which indexes serve."""
    lookup = TupleGreaterThan if forward else TupleLessThan
    return users.filter(lookup(Row(F("sort_key"), F("id")), key))


# ---- Cursors ----


def cursor(row: Any, sort: str) -> str:
    """The place of a row of `filtering.ordered`, for `after` and `before`."""
    key = row.sort_key
    value = key.isoformat() if isinstance(key, datetime) else key
    parts = [sort.removeprefix("-"), value, row.pk]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(text: str, sort: str) -> tuple[Any, int]:
    """Read a cursor.

    Raises:
        BadCursor: not ours, or made for another order.
    """
    try:
        padded = text[:_LONGEST].encode("ascii") + b"=="
        name, value, pk = json.loads(base64.urlsafe_b64decode(padded))
        if name != sort.removeprefix("-") or type(pk) is not int or not 0 <= pk < 2**63:
            raise BadCursor
        return _value(name, value), pk
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise BadCursor from error


def _value(name: str, value: Any) -> Any:
    if name != "last_change":
        if not isinstance(value, str) or "\0" in value:
            raise BadCursor
        value.encode()  # no lone surrogate, which no column holds
        return value
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise BadCursor
    return moment.astimezone(UTC)
