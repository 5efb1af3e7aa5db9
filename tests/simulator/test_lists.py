from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from requests import Response

from tests.simulator.conftest import (
    CUSTOMER,
    FOREIGN,
    FOREIGN_HOME,
    SECOND_HOME,
    Api,
    a_subscriber,
    an_account,
)
from tests.simulator_process import SimulatorProcess


def user(number: int) -> str:
    return f"{number}@nordictel.example"


def load_many(simulator: SimulatorProcess, count: int) -> None:
    many = [a_subscriber(user(i), age_seconds=1000 - i) for i in range(count)]
    simulator.load({"subscribers": many})


def epoch(text: str) -> int:
    since = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return since // timedelta(milliseconds=1)


def follow(api: Api, answer: Response) -> Response:
    url = answer.links["next"]["url"]
    assert url.startswith(f"{api.simulator.url}/v1/")
    return api.call("GET", url.removeprefix(f"{api.simulator.url}/v1"))


def test_pages_lead_through_everything_newest_first(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 5)

    first = api.list(max=2)
    second = follow(api, first)
    third = follow(api, second)

    seen = [item["userId"] for page in (first, second, third) for item in page.json()["items"]]
    assert seen == [user(i) for i in (4, 3, 2, 1, 0)]
    assert "next" not in third.links


def test_changes_between_pages_neither_hide_nor_double(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 6)
    first = api.list(max=2)
    ids = {item["userId"]: item["id"] for item in api.list().json()["items"]}
    simulator.force(ids[user(0)], status="error")  # one that is still to come
    simulator.force(ids[user(5)], status="error")  # one that was seen
    api.remove(ids[user(4)])  # the very one that the cursor rests on
    api.provision(user(9))

    second = follow(api, first)
    third = follow(api, second)

    rest = [item["userId"] for page in (second, third) for item in page.json()["items"]]
    assert rest == [user(i) for i in (3, 2, 1, 0)]


def test_the_default_page_has_fifty(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 51)

    assert len(api.list().json()["items"]) == 50
    assert len(api.list(max=100).json()["items"]) == 51


def test_the_next_link_keeps_the_filters(api: Api, simulator: SimulatorProcess):
    load_many(simulator, 4)
    simulator.load({"subscribers": [a_subscriber(user(9), status="error")]})

    second = follow(api, api.list(status="provisioned", max=3))

    assert [item["userId"] for item in second.json()["items"]] == [user(0)]


def test_the_next_link_can_lose_the_filters(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(next_link_keeps_filters=False)]})
    simulator.load({"subscribers": [a_subscriber(user(9), status="error")]})
    load_many(simulator, 2)

    second = follow(api, api.list(status="provisioned", max=1))

    assert "status=" not in second.url
    assert "max=1" in second.url
    third = follow(api, second)
    assert [item["userId"] for item in third.json()["items"]] == [user(9)]


@pytest.fixture
def mixed(simulator: SimulatorProcess) -> SimulatorProcess:
    people = [
        a_subscriber(user(1), email="One@acme.example", age_seconds=300),
        a_subscriber(user(2), status="error", errors=[200039], age_seconds=200),
        a_subscriber(user(3), status="pending_email_input", self_activated=True, age_seconds=100),
        a_subscriber(user(4), provisioning_id=SECOND_HOME, enterprise="Nordictel+beta"),
        a_subscriber(user(5), provisioning_id=FOREIGN_HOME, enterprise="Iberfone+gamma"),
    ]
    simulator.load({"subscribers": people})
    return simulator


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"userId": "2@NORDICTEL.example"}, [2]),
        ({"email": "one@ACME.example"}, [1]),
        ({"provisioningId": SECOND_HOME}, [4]),
        ({"spEnterpriseId": CUSTOMER}, [3, 2, 1]),
        ({"status": "error"}, [2]),
        ({"status": "error, pending_email_input"}, [3, 2]),
        ({"selfActivated": "true"}, [3]),
        ({"selfActivated": "false", "status": "provisioned"}, [4, 1]),
        ({"personId": "nonsense"}, []),
        ({"spEnterpriseId": "nordictel+acme"}, []),
    ],
)
def test_filters(query: dict[str, str], expected: list[int], api: Api, mixed: SimulatorProcess):
    assert api.user_ids(**query) == [user(i) for i in expected]


def test_a_person_is_found_while_provisioned(api: Api, mixed: SimulatorProcess):
    person = api.only(user(1))["personId"]

    assert api.user_ids(personId=person) == [user(1)]


def test_times_filter_strictly_after(api: Api, mixed: SimulatorProcess):
    item = api.only(user(2))
    created, changed = epoch(item["created"]), epoch(item["lastStatusChange"])

    assert api.user_ids(lastStatusChange=changed) == [user(4), user(3)]
    assert api.user_ids(lastStatusChange=changed - 1) == [user(4), user(3), user(2)]
    assert api.user_ids(lastStatusChange=item["lastStatusChange"]) == [user(4), user(3)]
    assert api.user_ids(after=created) == [user(4), user(3)]
    assert api.user_ids(after=created - 1) == [user(4), user(3), user(2)]


def test_a_change_is_found_by_its_time(api: Api, mixed: SimulatorProcess):
    mark = max(epoch(item["lastStatusChange"]) for item in api.list().json()["items"])
    changed = mixed.force(api.only(user(2))["id"], status="provisioned")

    assert api.user_ids(lastStatusChange=mark) == [user(2)]
    assert epoch(changed["lastStatusChange"]) > mark


@pytest.mark.parametrize(
    "query",
    [
        {"max": "0"},
        {"max": "101"},
        {"max": "many"},
        {"max": "9" * 30},
        {"status": "asleep"},
        {"status": "error,asleep"},
        {"selfActivated": "perhaps"},
        {"lastStatusChange": "yesterday"},
        {"lastStatusChange": "9" * 40},
        {"after": "2026-13-01"},
        {"cursor": "WyJ4Il0"},
        {"cursor": "W3RydWVd"},
        {"cursor": "%%%"},
        {"userId": "a\x00b"},
        {"provisioningId": "a\x00b"},
    ],
)
def test_parameters_that_cannot_be_read_are_refused(query: dict[str, str], api: Api):
    assert api.list(**query).status_code == 400


def test_partners_see_their_own(mixed: SimulatorProcess):
    assert Api(mixed, FOREIGN).user_ids() == [user(5)]


def test_customers_come_into_being_with_their_first_subscriber(api: Api):
    api.provision(spEnterpriseId="Nordictel+new")

    items = api.call("GET", "/broadworks/enterprises").json()["items"]

    assert [item["spEnterpriseId"] for item in items] == [CUSTOMER, "Nordictel+new"]


def test_customers_are_filtered_and_paged(api: Api, simulator: SimulatorProcess):
    names = ["Nordictel+a", "Nordictel+b", "Other"]
    simulator.load({"enterprises": [{"id": n, "provisioning_id": SECOND_HOME} for n in names]})

    def found(**query: str) -> list[str]:
        answer = api.call("GET", "/broadworks/enterprises", params=query)
        return [item["spEnterpriseId"] for item in answer.json()["items"]]

    assert found(startsWith="Nordictel+") == [CUSTOMER, "Nordictel+a", "Nordictel+b"]
    assert found(spEnterpriseId="Other") == ["Other"]
    first = api.call("GET", "/broadworks/enterprises", params={"max": "3"})
    assert [item["spEnterpriseId"] for item in follow(api, first).json()["items"]] == ["Other"]


def test_what_time_brings_is_seen_by_whoever_asks_for_changes_since_his_last_look(
    api: Api, simulator: SimulatorProcess
):
    made = [api.provision(user(number)).json() for number in range(3)]
    last_look = max(item["lastStatusChange"] for item in api.list().json()["items"])

    simulator.advance(60)

    changed = api.list(lastStatusChange=last_look).json()["items"]
    assert {item["id"] for item in changed} == {item["id"] for item in made}
