"""Following `next` links without losing a filter, the end, or the token."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tests.webex.conftest import PROVISIONING_ID, subscriber_json
from tests.webex.test_errors import many
from tests.webex.wire_server import WireServer, reply
from webex import client as client_module
from webex import news
from webex.errors import PagingStopped, in_words
from webex.payloads import Page, RemoteSubscriber
from webex.transport import next_url

LIST = "https://webexapis.com/v1/broadworks/subscribers?provisioningId=P&max=100"
FILTERS = {"provisioningId": "P", "status": "error,updating", "max": "100"}


def page(link: str | None = None, ids: str = "A", unreadable: int = 0):
    """A page of a subscriber for each letter."""
    headers = {"Link": link} if link else {}
    items = [subscriber_json(id=one) for one in ids] + [{}] * unreadable
    return reply(200, {"items": items}, headers)


def pages(*all_ids: str, unreadable: int = 0):
    """Pages with links that are new each time; the last page has none."""
    links = [f'</v1/broadworks/subscribers?cursor={n}>; rel="next"' for n in range(len(all_ids))]
    return [
        page(link, ids, unreadable) for link, ids in zip([*links[1:], None], all_ids, strict=True)
    ]


def read(client) -> tuple[list[str], str]:
    """The IDs of each page that was given out, and the reason of the end ("": complete)."""
    found: list[str] = []
    try:
        for one in client.list_subscribers(PROVISIONING_ID):
            found.append("".join(subscriber.id for subscriber in one.subscribers))
    except PagingStopped as error:
        return found, error.reason
    return found, ""


def test_filters_that_the_next_link_drops_are_added_again(backend, client):
    backend.will(page('</v1/broadworks/subscribers?cursor=a%2Bb%3D>; rel="next"'), page())

    list(client.list_subscribers(PROVISIONING_ID, statuses=["error"]))

    assert parse_qsl(urlsplit(backend.seen[1].target).query) == [
        ("cursor", "a+b="),
        ("provisioningId", PROVISIONING_ID),
        ("status", "error"),
        ("max", "100"),
    ]


def test_filters_that_the_next_link_keeps_are_left_as_they_are(backend, client):
    backend.will(page('</v1/broadworks/subscribers?max=7&cursor=2>; rel="next"'), page())

    list(client.list_subscribers(PROVISIONING_ID))

    assert ("max", "100") not in parse_qsl(urlsplit(backend.seen[1].target).query)


def test_a_link_to_another_origin_is_not_followed_and_the_token_stays_here(backend, client):
    thief = WireServer()
    thief.will(page())
    backend.will(page(f'<{thief.url}/broadworks/subscribers?cursor=2>; rel="next"'))

    pages = client.list_subscribers(PROVISIONING_ID)
    first = next(pages)
    with pytest.raises(PagingStopped) as caught:
        next(pages)
    thief.stop()

    assert len(first.subscribers) == 1
    assert caught.value.reason == "foreign_link"
    assert thief.connections == 0


@pytest.mark.parametrize("cursors", [["1", "1"], ["1", "2", "1"]])
def test_a_link_in_a_circle_ends_the_listing_as_incomplete(backend, client, cursors):
    for cursor, ids in zip(cursors, "ABC", strict=False):
        backend.will(page(f'</v1/broadworks/subscribers?cursor={cursor}>; rel="next"', ids))

    with pytest.raises(PagingStopped) as caught:
        list(client.list_subscribers(PROVISIONING_ID))

    assert caught.value.reason == "repeated_link"
    assert len(backend.seen) == len(cursors)


def test_links_without_end_are_cut_off(backend, client, monkeypatch):
    monkeypatch.setattr(client_module, "MAX_PAGES", 3)
    backend.will(*pages("A", "B", "C", "D"))

    with pytest.raises(PagingStopped) as caught:
        list(client.list_subscribers(PROVISIONING_ID))

    assert (caught.value.reason, len(backend.seen)) == ("page_cap", 3)


@pytest.mark.parametrize(
    ("all_ids", "read_until"),
    [
        (["AB", "AB", "CD"], 2),  # the cursor is ignored
        (["AB", "BA", "CD"], 2),  # and the order too
        (["ABC", "C", "D"], 2),  # the window stays at the end
        (["AB", "CD", "AB", "CD"], 3),  # round and round
        (["AB", "CD", "EF", "CD", "EF"], 4),  # round, but not to the first
        (["AB", "CA", "BC", "AB", "CA"], 4),  # pages cut otherwise each time round
    ],
)
def test_a_page_that_brings_nothing_new_ends_the_listing(backend, client, all_ids, read_until):
    backend.will(*pages(*all_ids))

    assert read(client) == (all_ids[:read_until], "nothing_new")
    assert len(backend.seen) == read_until


@pytest.mark.parametrize(
    "all_ids",
    [
        ["AB", "BC", "CD", "D"],  # moved by changes meanwhile
        ["AB", "CD", "CD"],  # nothing new, and the backend says itself that it is the last
        ["AB", "", "", "CD", ""],  # emptied by a filter
    ],
)
def test_pages_that_overlap_or_are_empty_are_read_to_the_end(backend, client, all_ids):
    backend.will(*pages(*all_ids))

    assert read(client) == (all_ids, "")


@pytest.mark.parametrize("unreadable", [0, 3])
def test_pages_without_anybody_are_borne_in_bounds(backend, client, monkeypatch, unreadable):
    monkeypatch.setattr(news, "MAX_EMPTY", 3)
    backend.will(*pages("", "", "", "A", unreadable=unreadable))

    assert read(client) == (["", "", ""], "nothing_new")


def test_an_unreadable_entry_may_be_the_new_one(backend, client):
    link = '</v1/broadworks/subscribers?cursor={}>; rel="next"'
    backend.will(
        page(link.format(1), "AB"),
        page(link.format(2), "B", unreadable=1),
        page(link.format(3), "B", unreadable=1),
        page(),
    )

    assert read(client) == (["AB", "B", "B"], "nothing_new")


def test_what_is_remembered_of_a_page_is_one_number():
    seen = news.News()
    for number in range(50):
        ids = [subscriber_json(id=f"{number}-{one}") for one in range(100)]
        found = tuple(RemoteSubscriber.from_json(one) for one in ids)
        assert seen.brings(Page(number, found, skipped=0))

    kept = [len(held) for held in vars(seen).values() if isinstance(held, set | frozenset)]
    assert sum(kept) == 50 + 100


def test_operations_read_why_in_both_languages():
    error = PagingStopped("nothing_new")

    assert in_words(error) == "the pages of the list bring nothing new"
    with translation.override("da"):
        assert in_words(error, translation.gettext) == "listens sider bringer intet nyt"


def test_a_link_header_that_nobody_can_read_is_no_last_page():
    with pytest.raises(PagingStopped) as caught:
        next_url("rubbish", "https://webexapis.com/v1/broadworks/subscribers", {})

    assert caught.value.reason == "unreadable_link"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("<>", None),
        ('<https://webexapis.com/v1/x?c=1>; rel="prev"', None),
        ('<https://webexapis.com/v1/x?c=1>; rel="next"', "/v1/x?c=1"),
        ("<https://webexapis.com/v1/x?c=1>; rel=next", "/v1/x?c=1"),
        ("<https://webexapis.com/v1/x?c=1>;rel='next'", "/v1/x?c=1"),
        ('<https://webexapis.com/v1/x?c=1>; title="a, b"; rel="next last"', "/v1/x?c=1"),
        ('<https://WEBEXAPIS.com:443/v1/x?c=1>; rel="next"', "/v1/x?c=1"),
        ('<https://a.example/>; rel="first", </v1/x?c=2>; REL="NEXT"', "/v1/x?c=2"),
        ('<?c=3>; rel="next"', "/v1/broadworks/subscribers?c=3"),
        ('<https://webexapis.com/v1/x?c=1>; rel="next-page"', None),
    ],
)
def test_link_headers_of_every_shape(header, expected):
    found = next_url(header, LIST, {})

    assert found == (expected and "https://webexapis.com" + expected)


@pytest.mark.parametrize(
    "target",
    [
        "http://webexapis.com/v1/x",
        "https://webexapis.com:8443/v1/x",
        "https://webexapis.com.evil.example/v1/x",
        "https://webexapis.com@evil.example/v1/x",
        "//evil.example/v1/x",
        "https:\\\\evil.example/v1/x",
        "https://webexapis.com\\@evil.example/",
        "ftp://webexapis.com/v1/x",
        "javascript:alert(1)",
        "https://[::1",
        "https://webexapis.com:notaport/",
        "https://webex apis.com/",
    ],
)
def test_a_target_elsewhere_is_refused(target):
    with pytest.raises(PagingStopped):
        next_url(f'<{target}>; rel="next"', LIST, FILTERS)


@many
@given(st.one_of(st.text(), st.text(alphabet='<>;=,"/?:@ relnxthps.co1[]\\')))
def test_no_header_leads_away_or_breaks(text):
    for header in (text, f'<{text}>; rel="next"'):
        try:
            found = next_url(header, LIST, FILTERS)
        except PagingStopped:
            continue

        if found is not None:
            assert found.startswith("https://webexapis.com/")
            assert set(FILTERS) <= {name for name, _ in parse_qsl(urlsplit(found).query, True)}
