"""The judge says no to a client that comes back before a Retry-After is over."""

from __future__ import annotations

import time

import pytest
import requests

from tests.simulator.conftest import FOREIGN, a_subscriber
from tests.simulator.judging import OTHER, RIGHT, USER, counts, look, post, put
from tests.simulator_process import SimulatorProcess


@pytest.mark.parametrize("status", [429, 503])
def test_whoever_comes_before_retry_after_is_over_is_caught(simulator: SimulatorProcess, status):
    simulator.fault(operation="list", status=status, headers={"Retry-After": "30"})
    look(simulator)
    time.sleep(0.06)  # longer than the grace for what is under way
    look(simulator, FOREIGN)
    post(simulator)

    verdict = simulator.judge()

    assert not verdict["right"]
    assert counts(verdict) == RIGHT | {"early": 1}
    (early,) = verdict["early"]["items"]
    lines = {line["id"]: line for line in simulator.requests()}
    assert (lines[early["first"]]["status"], early["status"]) == (status, status)
    assert lines[early["second"]]["operation"] == "provision"


def test_a_request_already_under_way_is_not_early(simulator: SimulatorProcess):
    simulator.fault(operation="list", status=429, headers={"Retry-After": "30"})
    look(simulator)
    look(simulator)

    assert simulator.judge(grace_ms=10_000)["early"]["count"] == 0


@pytest.mark.parametrize("form", ["soon", "-1", "1.5", "", "1e3"])
def test_an_unreadable_retry_after_holds_nobody(simulator: SimulatorProcess, form):
    simulator.fault(operation="list", status=429, headers={"Retry-After": form})
    look(simulator)
    time.sleep(0.06)
    look(simulator)

    assert simulator.judge()["right"]


def test_a_date_to_wait_for_holds_too(simulator: SimulatorProcess):
    headers = {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}
    simulator.fault(operation="list", status=429, headers=headers)
    look(simulator)
    time.sleep(0.06)
    look(simulator)

    assert simulator.judge()["early"]["count"] == 1


def test_an_answer_that_never_left_holds_nobody(simulator: SimulatorProcess):
    headers = {"Retry-After": "30"}
    simulator.fault(operation="list", status=429, headers=headers, drop_after=True)
    with pytest.raises(requests.ConnectionError):
        look(simulator)
    time.sleep(0.06)
    look(simulator)

    assert simulator.judge()["right"]
    assert simulator.requests()[0]["answer"] == "not sent"


def test_a_locked_subscriber_holds_changes_of_itself_only(simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="error")]})
    public_id = look(simulator).json()["items"][0]["id"]
    simulator.fault(operation="update", status=423, headers={"Retry-After": "30"})
    put(simulator, public_id, lastName="Lund")
    time.sleep(0.06)
    look(simulator)
    post(simulator, OTHER)
    assert simulator.judge()["right"]

    put(simulator, public_id, lastName="Lund")

    assert counts(simulator.judge()) == RIGHT | {"early": 1}
