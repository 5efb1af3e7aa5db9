from __future__ import annotations

import base64
import json

import pytest
from django.http import QueryDict
from django.utils import timezone

from provisioning.lists import filters
from provisioning.lists import finder as finder_module
from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from provisioning.models import Subscriber
from tests.factories import make_subscriber
from userstatus.users import paging
from userstatus.users.paging import PageRequest

ROWS, SIZE = 23, 5


@pytest.fixture
def users(template):
    """Many rows, few different sort keys: the order among equals is the id's."""
    now = timezone.now()
    for number in range(ROWS):
        user = make_subscriber(
            template,
            broadworks_id=f"u{number % 4}@x.example",
            first_name=["Åse", "Bo", "", "عمر", "🎉"][number % 5],
            last_name="",
        )
        Subscriber.objects.filter(pk=user.pk).update(last_change_at=now)
    return Subscriber.objects.live()


def page_of(users, sort, **place) -> paging.Page:
    [template] = set(users.values_list("template", flat=True))
    finder = Finder(users, [template], UserFilter(sort=sort))
    return paging.page(finder, PageRequest(size=SIZE, **place))


def unpaged(users, sort) -> list[int]:
    return [user.pk for user in filters.ordered(users, sort)]


@pytest.mark.parametrize("sort", sorted(filters.SORTS))
def test_pages_forwards_are_the_unpaged_list(users, sort):
    seen, page = [], page_of(users, sort)
    while True:
        assert page.first == len(seen) + 1
        seen += [user.pk for user in page.rows]
        if not page.following:
            break
        page = page_of(users, sort, after=page.following)

    assert seen == unpaged(users, sort)
    assert page.last == ROWS


@pytest.mark.parametrize("sort", sorted(filters.SORTS))
def test_pages_backwards_are_the_unpaged_list(users, sort):
    page = page_of(users, sort, before=paging.END)
    seen = [user.pk for user in page.rows]
    while page.previous:
        page = page_of(users, sort, before=page.previous)
        seen = [user.pk for user in page.rows] + seen

    assert seen == unpaged(users, sort)
    assert page.first == 1


def test_the_last_page_is_as_long_as_counting_makes_it(users):
    page = page_of(users, "broadworks_id", before=paging.END)

    assert (page.first, page.last, page.following) == (21, 23, "")


def test_a_page_whose_rows_have_gone_is_the_last_page(users):
    last = page_of(users, "broadworks_id", before=paging.END)

    page = page_of(users, "broadworks_id", after=_cursor(["broadworks_id", "zzz", 1]))

    assert (page.rows, page.first) == (last.rows, last.first)


def test_a_row_keeps_its_number_when_others_arrive_before_it(users, template):
    first = page_of(users, "broadworks_id")
    make_subscriber(template, broadworks_id="a@x.example")

    second = page_of(users, "broadworks_id", after=first.following)

    assert (second.first, second.total) == (SIZE + 1, ROWS + 1)


def test_a_cursor_without_a_number_gives_a_page_without_numbers(users):
    page = page_of(users, "broadworks_id", after=_cursor(["broadworks_id", "u0@x.example", 1]))

    assert len(page.rows) == SIZE
    assert (page.first, page.last, page.total) == (0, 0, ROWS)


def test_pages_of_an_uncounted_list_have_no_end_but_can_be_walked(users, monkeypatch):
    monkeypatch.setattr(finder_module, "MAX_COUNTED", 7)
    [template] = set(users.values_list("template", flat=True))
    finder = Finder(users, [template], UserFilter(q="example", sort="broadworks_id"))

    pages = [paging.page(finder, PageRequest(size=SIZE))]
    while pages[-1].following:
        pages.append(paging.page(finder, PageRequest(size=SIZE, after=pages[-1].following)))
    last = paging.page(finder, PageRequest(size=SIZE, before=paging.END))

    assert (pages[0].total, pages[0].is_capped) == (7, True)
    assert [user.pk for page in pages for user in page.rows] == unpaged(users, "broadworks_id")
    assert (pages[-1].first, pages[-1].total) == (21, ROWS)
    assert [user.pk for user in last.rows] == unpaged(users, "broadworks_id")[-SIZE:]
    assert (last.first, last.is_capped) == (0, True)


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "æøå",
        "\0",
        "%%%",
        "A" * 5000,
        _cursor({"a": 1}),
        _cursor(["broadworks_id"]),
        _cursor(["name", "a", 1]),
        _cursor(["broadworks_id", 5, 1]),
        _cursor(["broadworks_id", "a", "1"]),
        _cursor(["broadworks_id", "a", True]),
        _cursor(["broadworks_id", "a", 2**70]),
        _cursor(["broadworks_id", "a", -1]),
        _cursor(["broadworks_id", "a", 1, "1"]),
        _cursor(["broadworks_id", "a", 1, -1]),
        _cursor(["broadworks_id", "a", 1, 1, 1]),
        _cursor(["broadworks_id", "a\0", 1]),
        _cursor(["broadworks_id", "\ud800", 1]),
        _cursor([["broadworks_id"], "a", 1]),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
    ],
)
@pytest.mark.parametrize("side", ["after", "before"])
def test_a_cursor_that_is_none_is_the_first_page(users, garbage, side):
    page = page_of(users, "broadworks_id", **{side: garbage})

    assert page.lost
    assert [user.pk for user in page.rows] == unpaged(users, "broadworks_id")[:SIZE]


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01", "never", 5, None, "2026-01-01T10:00:00", "0001-01-01T00:00:00+23:59"],
)
def test_a_time_that_is_none_is_the_first_page(users, moment):
    assert page_of(users, "-last_change", after=_cursor(["last_change", moment, 1])).lost


@pytest.mark.parametrize(
    ("text", "size", "odd"),
    [("", 50, False), ("25", 25, False), ("100", 100, False), ("7", 50, True), ("٢٥", 50, True)],
)
def test_the_number_of_rows_is_one_of_three(text, size, odd):
    place = PageRequest.parse(QueryDict(f"per_page={text}"))

    assert (place.size, place.odd_size) == (size, odd)
