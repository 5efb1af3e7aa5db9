"""Ordering faults: what is refused, whom they strike, when, how often, and the same each time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
import requests

from tests.simulator.conftest import FOREIGN, Api
from tests.simulator.wire import SUBSCRIBERS, ask, post
from tests.simulator_process import SimulatorProcess

STRUCK = {"kind": "server_error", "operation": "provision"}


def order(simulator: SimulatorProcess, body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {simulator.control_token}"}
    url = f"{simulator.url}/_control/faults"
    return simulator.http.post(url, json=body, headers=headers, timeout=60)


def test_every_kind_tells_what_it_does_and_takes(simulator: SimulatorProcess):
    items = simulator.control("GET", "kinds")["items"]

    assert len(items) > 25
    assert len({item["kind"] for item in items}) == len(items)
    for item in items:
        assert item["title"]
        assert item["description"].endswith(".")
        assert item["operations"]
        for option in item["options"].values():
            assert option["description"]
            assert option["default"] in option.get("values", [option["default"]])


def test_every_kind_can_be_ordered_with_its_defaults_and_every_value(simulator: SimulatorProcess):
    for item in simulator.control("GET", "kinds")["items"]:
        simulator.fault(kind=item["kind"])
        for name, option in item["options"].items():
            for value in option.get("values", []):
                simulator.fault(kind=item["kind"], **{name: value})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "earthquake"}, ["earthquake", "too_many_requests", "late_effect"]),
        ({"kind": "html", "sttus": 200}, ["sttus", "status, effect"]),
        ({"kind": "html", "status": 201}, ["status", "200, 502"]),
        ({"kind": "html", "status": True}, ["200, 502"]),
        ({"kind": "html", "effect": 1}, ["true or false"]),
        ({"kind": "slow", "seconds": "2"}, ["a number"]),
        ({"kind": "slow", "seconds": -1}, ["a number from 0"]),
        ({"kind": "unknown_status", "status": 3}, ["a text"]),
        ({"kind": "too_many_requests", "form": "soon"}, ["seconds, date", "any"]),
        ({"kind": "doubled", "operation": "get"}, ["get", "list, enterprises"]),
        ({"kind": "drop", "operation": "fly"}, ["fly", "list"]),
        ({"status": 500, "operation": "fly"}, ["fly"]),
        ({"kind": "drop", "probability": 1.5}, ["probability", "0 to 1"]),
        ({"kind": "drop", "script": "x?"}, ["script"]),
        ({"kind": "drop", "count_by": "moon"}, ["all, user"]),
        ({"kind": "drop", "times": 0}, ["times"]),
        ({"kind": "drop", "times": 1.5}, ["times"]),
        ({"kind": "drop", "for_seconds": "long"}, ["for_seconds"]),
        ({"kind": "drop", "contains": 7}, ["contains"]),
        ({"kind": 7}, ["kind"]),
        ({"faults": "all"}, ["faults"]),
        ({"faults": [{"kind": "drop"}, "x"]}, ["object"]),
        ({"faults": [{"kind": "drop"}], "seed": 1}, ["faults"]),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_exists(
    simulator: SimulatorProcess, body: Any, words: list[str]
):
    answer = order(simulator, body)

    assert answer.status_code == 400
    for word in words:
        assert word in answer.json()["message"]
    assert simulator.control("GET", "faults") == {"items": []}


def test_several_come_at_once_and_go_one_by_one(simulator: SimulatorProcess):
    faults = [{"kind": "drop", "operation": "login"}, {"status": 500}]
    ids = simulator.control("POST", "faults", {"faults": faults})["ids"]

    simulator.control("DELETE", f"faults/{ids[1]}")

    (left,) = simulator.control("GET", "faults")["items"]
    assert (left["id"], left["title"], left["times"]) == (ids[0], "The connection breaks", None)
    with pytest.raises(AssertionError, match="404"):
        simulator.control("DELETE", f"faults/{ids[1]}")


def test_a_script_says_which_request_is_struck(simulator: SimulatorProcess):
    simulator.fault(**STRUCK, script="x..")

    statuses = [post(simulator, f"{n}@nordictel.example").status for n in range(6)]

    assert statuses == [500, 200, 200, 500, 200, 200]


def test_a_script_may_count_each_user_apart(simulator: SimulatorProcess):
    simulator.fault(**STRUCK, script=".x", count_by="user")

    statuses = [post(simulator, f"{n}@nordictel.example").status for n in (1, 2, 1, 2, 3)]

    assert statuses == [200, 200, 500, 500, 200]


def test_one_token_is_struck_and_another_is_not(simulator: SimulatorProcess):
    simulator.fault(kind="drop", token_name="Iberfone")

    assert ask(simulator).status == 200
    with pytest.raises(ConnectionResetError):
        ask(simulator, token=FOREIGN)


def test_a_fault_has_its_time(simulator: SimulatorProcess):
    simulator.fault(kind="server_error", after_seconds=100, for_seconds=50)

    statuses = [ask(simulator).status]
    for seconds in (101, 50):
        simulator.advance(seconds)
        statuses.append(ask(simulator).status)

    assert statuses == [200, 500, 200]
    assert simulator.control("GET", "faults") == {"items": []}


def test_a_used_up_fault_is_gone(simulator: SimulatorProcess):
    simulator.fault(kind="server_error", times=2)

    assert [ask(simulator).status for _ in range(3)] == [500, 500, 200]
    assert simulator.control("GET", "faults") == {"items": []}


def _struck_of_a_storm(simulator: SimulatorProcess, threads: int, seed: str) -> set[str]:
    """Three requests for each of 40 users at a time; which of whose were struck?"""
    simulator.control("DELETE", "faults")
    storm = STRUCK | {"form": "any", "probability": 0.3, "count_by": "user", "seed": seed}
    simulator.fault(**storm)

    def three(user: int) -> list[str]:
        answers = [post(simulator, f"{user}@nordictel.example") for _ in range(3)]
        # The same form of Retry-After as well; not its value, which may be a date.
        return [
            f"user {user}, request {number}, {len(''.join(answer.all('Retry-After')))} letters"
            for number, answer in enumerate(answers)
            if answer.status == 500
        ]

    with ThreadPoolExecutor(threads) as pool:
        return {line for lines in pool.map(three, range(40)) for line in lines}


def test_the_same_seed_and_requests_give_the_same_strikes_in_any_order(
    simulator: SimulatorProcess,
):
    first = _struck_of_a_storm(simulator, 8, "storm")

    assert 15 < len(first) < 60
    assert _struck_of_a_storm(simulator, 8, "storm") == first
    assert _struck_of_a_storm(simulator, 1, "storm") == first
    assert _struck_of_a_storm(simulator, 8, "another") != first


def test_faults_may_be_cleared_while_they_strike(simulator: SimulatorProcess):
    with ThreadPoolExecutor(4) as pool:
        calls = []
        for _ in range(10):
            simulator.fault(kind="server_error", status=502, probability=0.5, count_by="user")
            calls += [pool.submit(ask, simulator) for _ in range(8)]
            simulator.control("DELETE", "faults")
        assert {call.result().status for call in calls} <= {200, 502}


def test_a_rehearsal_is_told_and_ended_with_what_was_made_left(
    api: Api, simulator: SimulatorProcess
):
    quiet = simulator.control("GET", "rehearsal")
    post(simulator)
    simulator.fault(kind="drop", operation="login", for_seconds=60, seed="s")
    simulator.fault(kind="doubled", for_seconds=120, probability=0.5)
    running = simulator.control("GET", "rehearsal")
    simulator.control("DELETE", "rehearsal")
    ended = simulator.control("GET", "rehearsal")

    assert (quiet["running"], quiet["since"], quiet["faults"]) == (False, None, [])
    assert (running["running"], running["scenario"]) == (True, None)
    assert quiet["run"] == running["run"]
    first, second = running["faults"]
    assert (first["kind"], first["operation"], first["seed"]) == ("drop", "login", "s")
    assert (second["title"], second["probability"], second["options"]) == ("Doubled items", 0.5, {})
    assert running["ends_at"] == second["ends_at"] > first["ends_at"]
    assert (ended["running"], ended["since"], ended["faults"]) == (False, None, [])
    assert api.user_ids() == ["100@nordictel.example"]


def test_a_rehearsal_began_with_its_first_fault(simulator: SimulatorProcess):
    def since() -> str | None:
        return simulator.control("GET", "rehearsal")["since"]

    simulator.fault(kind="drop", operation="login", for_seconds=60)
    first = since()
    simulator.fault(kind="drop", operation="login", for_seconds=60)
    assert since() == first is not None
    simulator.advance(61)
    assert since() is None
    simulator.fault(kind="drop", operation="login")
    assert (since() or "") > first
    assert simulator.control("GET", "rehearsal")["ends_at"] is None


def test_only_what_matches_is_counted(simulator: SimulatorProcess):
    simulator.fault(**STRUCK, contains="somebody@else")
    simulator.fault(**STRUCK, contains="100@", script="..")

    assert ask(simulator, path=f"{SUBSCRIBERS}?max=1").status == 200
    assert post(simulator).status == 200

    with psycopg2.connect(os.environ["SIMULATOR_DATABASE_URL"]) as mine, mine.cursor() as cursor:
        cursor.execute("SELECT identity, seen FROM simulator_fault_count")
        assert cursor.fetchall() == [("", 1)]
    mine.close()
