"""Pages that are not what a page should be, and links that lead elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpResponse

from simulator import paging
from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds.base import ANY, Kind, Option, data_of, with_data

LISTS = ("list",)
PAGES = ("list", "enterprises")


def _doubled(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    data = data_of(response)
    if not isinstance(data, dict) or "items" not in data:
        return response
    return with_data(response, data | {"items": [item for item in data["items"] for _ in "12"]})


def _reordered(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    data = data_of(response)
    if not isinstance(data, dict) or "items" not in data:
        return response
    strike.draw.shuffle(data["items"])
    return with_data(response, data)


def _moved(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    """Let the next page begin one too late or one too early, as after a change meanwhile."""
    link, data = response.get("Link", ""), data_of(response)
    if not link or not isinstance(data, dict):
        return response
    if strike.options["form"] == "skip":
        return with_data(response, data | {"items": data["items"][:-1]})
    parts = urlsplit(link.partition("<")[2].partition(">")[0])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    cursor = paging.cursor_value(query["cursor"])
    query["cursor"] = paging.encode_cursor(cursor + 1)
    response["Link"] = _link(urlunsplit(parts._replace(query=urlencode(query))))
    return response


def _link(url: str) -> str:
    return f'<{url}>; rel="next"'


def _own(call: Call, host: str) -> str:
    return _link(call.public_url + call.request.get_full_path())


def _first(call: Call, host: str) -> str:
    query = urlencode(paging.filters_of(call.request))
    return _link(f"{call.public_url}{call.request.path}?{query}")


def _elsewhere(call: Call, *, scheme: str = "", host: str = "") -> str:
    parts = urlsplit(call.public_url + call.request.get_full_path())
    moved = parts._replace(scheme=scheme or parts.scheme, netloc=host or parts.netloc)
    return _link(urlunsplit(moved))


def _other_scheme(call: Call, host: str) -> str:
    is_plain = call.public_url.startswith("http:")
    return _elsewhere(call, scheme="https" if is_plain else "http")


def _other_port(call: Call, host: str) -> str:
    parts = urlsplit(call.public_url)
    return _elsewhere(call, host=f"{parts.hostname}:{(parts.port or 443) % 65535 + 1}")


def _foreign(call: Call, host: str) -> str:
    return _elsewhere(call, host=host)


def _disguised(call: Call, host: str) -> str:
    """Our own name as the user part of a foreign address."""
    return _elsewhere(call, host=f"{urlsplit(call.public_url).netloc}@{host}")


LINKS: dict[str, Callable[[Call, str], str]] = {
    "self": _own,
    "loop": _first,
    "foreign_host": _foreign,
    "disguised_host": _disguised,
    "other_scheme": _other_scheme,
    "other_port": _other_port,
    "malformed": lambda _call, _host: '<http://[::1>; rel="next"',
    "rubbish": lambda _call, _host: "next page, please",
    "missing": lambda _call, _host: "",
}
WITHOUT_FILTERS = "without_filters"


def _other_link(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    form, host = strike.options["form"], strike.options["host"]
    if form == WITHOUT_FILTERS:
        return _bare_link(response)
    if response.status_code != 200:
        return response
    del response["Link"]
    if link := LINKS[form](call, host):
        response["Link"] = link
    return response


def _bare_link(response: HttpResponse) -> HttpResponse:
    if link := response.get("Link", ""):
        parts = urlsplit(link.partition("<")[2].partition(">")[0])
        kept = [(name, value) for name, value in parse_qsl(parts.query) if name == "cursor"]
        response["Link"] = _link(urlunsplit(parts._replace(query=urlencode(kept))))
    return response


KINDS = (
    Kind("doubled", "Doubled items", "Every item of a page twice.", {}, PAGES, answer=_doubled),
    Kind(
        "reordered",
        "Items in disorder",
        "The items of a page in an order drawn anew for each request.",
        {},
        PAGES,
        answer=_reordered,
    ),
    Kind(
        "moved_page",
        "A list that changes between two pages",
        "The next page repeats the last item of this one, or an item is on neither.",
        {"form": Option("repeat", "what happens", values=("repeat", "skip", ANY))},
        LISTS,
        answer=_moved,
    ),
    Kind(
        "next_link",
        "A `next` link that leads elsewhere",
        "To the same page, in a circle, to another host, scheme or port, malformed, missing, or"
        " without the filters. Added to the last page too.",
        {
            "form": Option("loop", "where it leads", values=(*LINKS, WITHOUT_FILTERS, ANY)),
            "host": Option("thief.example", "host[:port] of the foreign ones"),
        },
        PAGES,
        answer=_other_link,
    ),
)
