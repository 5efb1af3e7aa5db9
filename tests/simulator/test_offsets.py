"""Pages by `offset`, as scripts of service providers read the list: they come to an end."""

from __future__ import annotations

import pytest

from tests.simulator import contract
from tests.simulator.conftest import SECOND_HOME, Api, a_subscriber
from tests.simulator.test_lists import follow, load_many, user
from tests.simulator_process import SimulatorProcess

#: More rounds than any list of these tests has pages: a script that gets here runs for ever.
ENOUGH = 10
LISTS = ["/broadworks/subscribers", "/broadworks/enterprises"]


def walk(api: Api, path: str, size: int, name: str) -> list[str]:
    """Read a list as those scripts do: the next offset as long as there is a `next` link."""
    seen: list[str] = []
    for offset in range(0, ENOUGH * size, size):
        # Their first request names no offset.
        start = {"offset": str(offset)} if offset else {}
        answer = api.call("GET", path, params={"max": str(size)} | start)
        assert answer.status_code == 200
        seen += [item[name] for item in answer.json()["items"]]
        if "next" not in answer.links:
            return seen
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("count", [99, 100, 101, 200, 250])
def test_a_script_that_counts_offsets_sees_everybody_once(
    count: int, api: Api, simulator: SimulatorProcess
):
    load_many(simulator, count)

    seen = walk(api, LISTS[0], 100, "userId")

    assert seen == [user(i) for i in reversed(range(count))]


def test_customers_are_counted_through_too(api: Api, simulator: SimulatorProcess):
    names = [f"Nordictel+{letter}" for letter in "abcdef"]
    simulator.load({"enterprises": [{"id": n, "provisioning_id": SECOND_HOME} for n in names]})

    seen = walk(api, LISTS[1], 3, "spEnterpriseId")

    assert seen[-6:] == names
    assert len(seen) == len(set(seen)) == 7


def test_filters_hold_beside_an_offset(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 3)
    simulator.load({"subscribers": [a_subscriber(user(9), status="error")]})

    assert api.user_ids(status="provisioned", max=2, offset=1) == [user(1), user(0)]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("offset", ["7", "999999999"])
def test_beyond_the_end_a_page_is_empty_and_the_last(path: str, offset: str, api: Api):
    api.provision(user(1))

    answer = api.call("GET", path, params={"offset": offset})

    assert (answer.status_code, answer.json()) == (200, {"items": []})
    assert "next" not in answer.links


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "offset", ["-1", "many", "1.5", "1e3", "+5", " 5", "٣", "0x10", "9" * 10, "9" * 400, "5\x00"]
)
def test_an_offset_that_cannot_be_read_is_refused_as_the_api_refuses(
    path: str, offset: str, api: Api
):
    answer = api.call("GET", path, params={"offset": offset})

    assert answer.status_code == 400
    contract.check_refusal(answer)


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_and_an_offset_at_once_are_refused(path: str, api: Api):
    answer = api.call("GET", path, params={"cursor": "WzJd", "offset": "0"})

    assert answer.status_code == 400
    contract.check_refusal(answer)


def test_an_empty_offset_is_none(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 3)
    place = api.list(max=1).links["next"]["url"].rpartition("cursor=")[2]

    assert api.user_ids(offset="", cursor=place) == [user(1), user(0)]


def test_the_next_link_of_a_page_by_offset_goes_on_behind_it(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 5)

    second = follow(api, api.list(max=2, offset=1))

    assert "offset" not in second.url
    assert [item["userId"] for item in second.json()["items"]] == [user(1), user(0)]
