"""Pages that double, hide and disorder, links that lead away, and times that are wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from requests.utils import parse_header_links

from tests.simulator.conftest import HOME, Api, a_subscriber
from tests.simulator.wire import SUBSCRIBERS, Wire, ask
from tests.simulator_process import SimulatorProcess

USERS = [f"{number}@nordictel.example" for number in range(6)]


@pytest.fixture
def stock(simulator: SimulatorProcess) -> SimulatorProcess:
    """Six subscribers; a list shows the last one first."""
    entries = [
        a_subscriber(user, age_seconds=600, changed_seconds_ago=60 - number)
        for number, user in enumerate(USERS)
    ]
    simulator.load({"subscribers": entries})
    return simulator


def user_ids(answer: Wire) -> list[str]:
    return [item["userId"] for item in answer.data["items"]]


def next_of(answer: Wire) -> str:
    (link,) = parse_header_links(answer.all("Link")[0])
    assert link["rel"] == "next"
    return str(link["url"])


def whole(simulator: SimulatorProcess, query: str) -> list[str]:
    """Follow the pages to the end."""
    found, path = [], f"{SUBSCRIBERS}?{query}"
    while path:
        answer = ask(simulator, path=path)
        found += user_ids(answer)
        parts = urlsplit(next_of(answer)) if answer.all("Link") else None
        path = f"{parts.path}?{parts.query}" if parts else ""
    return found


def test_every_item_twice(stock: SimulatorProcess):
    stock.fault(kind="doubled")

    assert user_ids(ask(stock, path=f"{SUBSCRIBERS}?max=2")) == [
        user for user in (USERS[5], USERS[4]) for _ in range(2)
    ]


def test_items_in_disorder_by_the_seed(stock: SimulatorProcess):
    orders = []
    for _ in range(2):
        stock.control("DELETE", "faults")
        stock.fault(kind="reordered", seed="shuffled")
        orders.append([user_ids(ask(stock)) for _ in range(3)])

    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders[0]}) > 1
    assert set(orders[0][0]) == set(USERS)


def test_an_item_that_moves_to_the_next_page(stock: SimulatorProcess):
    stock.fault(kind="moved_page", form="repeat", times=1)

    assert whole(stock, "max=3") == [USERS[n] for n in (5, 4, 3, 3, 2, 1, 0)]


def test_an_item_that_is_on_no_page(stock: SimulatorProcess):
    stock.fault(kind="moved_page", form="skip", times=1)

    assert whole(stock, "max=3") == [USERS[n] for n in (5, 4, 2, 1, 0)]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("self", f"{{url}}{SUBSCRIBERS}?max=2&provisioningId={HOME}&cursor={{cursor}}"),
        ("loop", f"{{url}}{SUBSCRIBERS}?max=2&provisioningId={HOME}"),
        ("foreign_host", f"http://thief.example{SUBSCRIBERS}"),
        ("disguised_host", f"http://{{host}}@thief.example{SUBSCRIBERS}"),
        ("other_scheme", f"https://{{host}}{SUBSCRIBERS}"),
        ("other_port", f"http://127.0.0.1:{{port}}{SUBSCRIBERS}"),
    ],
)
def test_a_link_that_leads_elsewhere(stock: SimulatorProcess, form: str, expected: str):
    path = f"{SUBSCRIBERS}?max=2&provisioningId={HOME}"
    cursor = parse_qs(urlsplit(next_of(ask(stock, path=path))).query)["cursor"][0]
    stock.fault(kind="next_link", form=form)

    found = next_of(ask(stock, path=f"{path}&cursor={cursor}"))

    host = urlsplit(stock.url).netloc
    port = (urlsplit(stock.url).port or 0) + 1
    assert found.startswith(expected.format(url=stock.url, host=host, port=port, cursor=cursor))


@pytest.mark.parametrize(
    ("form", "link"),
    [("malformed", ['<http://[::1>; rel="next"']), ("rubbish", ["next page, please"])],
)
def test_a_link_that_nobody_can_read(stock: SimulatorProcess, form: str, link: list[str]):
    stock.fault(kind="next_link", form=form)

    assert ask(stock).all("Link") == link


def test_a_link_that_is_missing(stock: SimulatorProcess):
    stock.fault(kind="next_link", form="missing")

    assert ask(stock, path=f"{SUBSCRIBERS}?max=2").all("Link") == []


def test_a_link_without_the_filters(stock: SimulatorProcess):
    stock.fault(kind="next_link", form="without_filters")

    query = urlsplit(next_of(ask(stock, path=f"{SUBSCRIBERS}?max=2&status=provisioned"))).query

    assert list(parse_qs(query)) == ["cursor"]


def test_a_replica_shows_the_status_before_with_an_earlier_time(stock: SimulatorProcess):
    true = Api(stock).only(USERS[0])
    stock.fault(kind="stale", seconds=10)

    shown = Api(stock).only(USERS[0])

    assert (true["status"], shown["status"]) == ("provisioned", "provisioning")
    assert "personId" not in shown
    moved = moment(true["lastStatusChange"]) - moment(shown["lastStatusChange"])
    assert moved == timedelta(seconds=10)


def test_two_statuses_of_one_millisecond(stock: SimulatorProcess):
    true = Api(stock).only(USERS[0])
    stock.fault(kind="same_time")

    shown = Api(stock).only(USERS[0])

    assert shown["lastStatusChange"] == true["lastStatusChange"]
    assert (true["status"], shown["status"]) == ("provisioned", "provisioning")


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_wrong_clock_is_wrong_everywhere(stock: SimulatorProcess, seconds: int):
    path = f"{SUBSCRIBERS}?max=2&userId={USERS[0]}"
    right = ask(stock, path=path)
    stock.fault(kind="clock", seconds=seconds)

    wrong = ask(stock, path=path)

    (date,) = wrong.all("Date")
    assert abs(off(right.all("Date")[0], date) - seconds) <= 5
    for name in ("created", "lastStatusChange"):
        times = [moment(answer.data["items"][0][name]) for answer in (right, wrong)]
        assert times[1] - times[0] == timedelta(seconds=seconds)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_wrong_clock_reads_filters_by_itself(stock: SimulatorProcess, seconds: int):
    stock.fault(kind="clock", seconds=seconds)
    seen = {item["userId"]: item["lastStatusChange"] for item in ask(stock).data["items"]}

    later = ask(stock, path=f"{SUBSCRIBERS}?lastStatusChange={quote(seen[USERS[3]])}")

    assert user_ids(later) == [USERS[5], USERS[4]]
    first = ask(stock, path=f"{SUBSCRIBERS}?max=1&after=2020-01-01T00:00:00Z")
    assert parse_qs(urlsplit(next_of(first)).query)["after"] == ["2020-01-01T00:00:00Z"]


def test_a_connection_is_kept_when_the_clock_is_wrong(stock: SimulatorProcess):
    stock.fault(kind="clock")

    answers = [Api(stock).list() for _ in range(2)]

    assert [answer.headers["Connection"] for answer in answers] == ["keep-alive"] * 2


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def off(right: str, wrong: str) -> float:
    return (parsedate_to_datetime(wrong) - parsedate_to_datetime(right)).total_seconds()
