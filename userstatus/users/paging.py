"""Keyset pages: a page begins after a row, not after a number of rows.

A cursor is what the sort compares (`sort_key`) and the id of one row, as URL-safe text. It is not
secret and not signed: whatever it says, the query behind it is the reader's own list.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict

from provisioning.lists.finder import Finder
from provisioning.lists.query_plan import Cursor
from provisioning.models import Subscriber

SIZES = (25, 50, 100)
DEFAULT_SIZE = 50
#: `before=end` is the last page.
END = "end"
_MAX_CURSOR_LENGTH = 4000


class BadCursor(ValueError):
    """The text is no cursor of this order."""


@dataclass(frozen=True)
class PageRequest:
    """Where a page is asked to be: after or before a row; neither is the first page."""

    size: int = DEFAULT_SIZE
    after: str = ""
    before: str = ""
    #: The URL asked for a number of rows that is not offered.
    odd_size: bool = False

    @classmethod
    def parse(cls, data: QueryDict) -> PageRequest:
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
        first: number of the first row, from 1; 0 on an empty page, and where nobody counted.
        total: rows on all pages; with `is_capped` there are more.
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
    is_capped: bool = False

    @property
    def last(self) -> int:
        """Number of the last row; 0 where `first` is."""
        return self.first + len(self.rows) - 1 if self.first else 0


def page(finder: Finder, page_request: PageRequest) -> Page:
    """The page of a list at a place; the rows are one query, or few.

    Rows have the numbers that they had when the reader came by: those that arrive or leave
    before them meanwhile are not counted again. A page that would be short because rows have
    left is filled from the other side.
    """
    pager = _Pager(finder, page_request)
    try:
        if page_request.before == END:
            return pager.last()
        if page_request.before:
            return pager.before(_key(page_request.before, finder.chosen.sort))
        if page_request.after:
            return pager.after(_key(page_request.after, finder.chosen.sort))
    except BadCursor:
        return replace(pager.first(), lost=True)
    return pager.first()


@dataclass(frozen=True)
class _Pager:
    """What the parts of `page` share; each reads one row more than it shows."""

    finder: Finder
    page_request: PageRequest

    def first(self) -> Page:
        rows = self.finder.rows(self.page_request.size + 1)
        return self._made(
            rows[: self.page_request.size], 1, following=len(rows) > self.page_request.size
        )

    def last(self) -> Page:
        total, is_capped = self.finder.total
        count = (
            self.page_request.size
            if is_capped
            else total % self.page_request.size or self.page_request.size
        )
        rows = self.finder.rows(count + 1, backwards=True)
        shown = rows[:count][::-1]
        number = 0 if is_capped else max(total - len(shown), 0) + 1
        return self._made(shown, number, previous=len(rows) > count)

    def after(self, key: Key) -> Page:
        rows = self.finder.rows(self.page_request.size + 1, cursor=self._cursor(key, back=False))
        if not rows:
            return self.last()
        shown, more = rows[: self.page_request.size], len(rows) > self.page_request.size
        number = key.number + 1 if key.number else 0
        if not more and not self.finder.total[1]:
            number = max(self.finder.total[0] - len(shown), 0) + 1  # the end is known for certain
        return self._made(shown, number, previous=True, following=more)

    def before(self, key: Key) -> Page:
        condition = self._cursor(key, back=True)
        rows = self.finder.rows(self.page_request.size + 1, cursor=condition, backwards=True)
        if len(rows) <= self.page_request.size:
            return self.first()
        shown = rows[: self.page_request.size][::-1]
        number = max(key.number - len(shown), 2) if key.number else 0
        return self._made(shown, number, previous=True, following=True)

    def _cursor(self, key: Key, *, back: bool) -> Cursor:
        """Rows on one side of a key."""
        is_descending = self.finder.chosen.sort.startswith("-")
        return Cursor(key.value, key.pk, is_less=is_descending != back)

    def _made(
        self,
        rows: list[Subscriber],
        number: int,
        *,
        previous: bool = False,
        following: bool = False,
    ) -> Page:
        """Rows that arrived since the total was counted raise it."""
        sort, (total, is_capped) = self.finder.chosen.sort, self.finder.total
        if not following and (number or not rows):
            is_capped = False  # this is the end, so all are counted
        number = number if rows else 0
        last = number + len(rows) - 1 if number else 0
        return Page(
            rows,
            number,
            max(total, last + following),
            self.page_request.size,
            previous=cursor(rows[0], sort, number) if rows and previous else "",
            following=cursor(rows[-1], sort, last) if rows and following else "",
            is_capped=is_capped,
        )


# ---- Cursors ----


@dataclass(frozen=True)
class Key:
    """A row in the order of the list: what is compared, its id, and its number (0: unknown)."""

    value: Any
    pk: int
    number: int


def cursor(row: Any, sort: str, number: int = 0) -> str:
    """The place of a row of `filtering.ordered`, for `after` and `before`."""
    key = row.sort_key
    value = key.isoformat() if isinstance(key, datetime) else key
    parts = [sort.removeprefix("-"), value, row.pk, number]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(text: str, sort: str) -> Key:
    """Read a cursor.

    Raises:
        BadCursor: not ours, or made for another order.
    """
    try:
        padded = text[:_MAX_CURSOR_LENGTH].encode("ascii") + b"=="
        name, value, *numbers = json.loads(base64.urlsafe_b64decode(padded))
        if name != sort.removeprefix("-") or not all(map(_is_id, numbers)):
            raise BadCursor
        pk, number = [*numbers, 0][:2] if len(numbers) in (1, 2) else []
        return Key(_value(name, value), pk, number)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise BadCursor from error


def _is_id(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**63


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
