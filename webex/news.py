"""Whether a page of a listing brings anybody whom its earlier pages did not bring."""

from __future__ import annotations

from webex.payloads import Page

#: A filter that is applied to a page after it was cut leaves some empty. So many in a row, or
#: pages of nothing but entries that nobody can read, are a backend that finds no end.
MAX_EMPTY = 20


class News:
    """The pages of one listing so far: a number for each, and the IDs of the last one.

    Who is in a list of a million is not kept. Found at once is a page that came before, whichever
    and in whatever order (so every circle of the same pages), and one that is part of the page
    just before it. Pages cut otherwise each time round the same list are found when they first
    fall together again, or by the number of pages.
    """

    def __init__(self) -> None:
        self._pages: set[int] = set()
        self._last: frozenset[str] = frozenset()
        self._empty = 0

    def brings(self, page: Page) -> bool:
        """Take in the next page; tell whether it has an ID, or may have one, that is new."""
        ids = frozenset(one.id for one in page.subscribers)
        if not ids:
            self._empty += 1
            return self._empty < MAX_EMPTY
        # Entries that cannot be read may be new; as many beside the same IDs again are not.
        number = hash((ids, page.skipped))
        is_old = number in self._pages or (not page.skipped and ids <= self._last)
        self._pages.add(number)
        self._last, self._empty = ids, 0
        return not is_old
