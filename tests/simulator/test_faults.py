from __future__ import annotations

import time

import pytest
import requests

from tests.simulator.conftest import Api
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"


def test_a_refusal_happens_as_often_as_asked_and_without_effect(
    api: Api, simulator: SimulatorProcess
):
    simulator.fault(operation="provision", status=503, times=2, headers={"Retry-After": "7"})

    answers = [api.provision() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"
    log = simulator.requests(operation="provision")
    assert [(line["status"], line["effect"]) for line in log] == [
        (503, False),
        (503, False),
        (200, True),
    ]
    assert log[0]["fault"]


def test_other_operations_are_left_alone(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="remove", status=500)
    simulator.fault(contains="somebody@else", status=500)

    assert api.provision().status_code == 200


def test_a_fault_can_be_for_one_user(api: Api, simulator: SimulatorProcess):
    simulator.fault(contains=USER, status=500)

    assert api.provision("200@nordictel.example").status_code == 200
    assert api.provision(USER).status_code == 500


def test_a_connection_dropped_before_has_no_effect(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="provision", drop_before=True)

    with pytest.raises(requests.ConnectionError):
        api.provision()

    assert api.user_ids() == []


def test_a_connection_dropped_after_has_the_effect(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="provision", drop_after=True)

    with pytest.raises(requests.ConnectionError):
        api.provision()

    assert api.user_ids() == [USER]
    assert simulator.requests(operation="provision")[0]["effect"] is True


def test_a_failure_after_the_effect(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="provision", status=504, after=True)

    assert api.provision().status_code == 504
    assert api.user_ids() == [USER]


def test_a_body_can_be_spoilt(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="list", body="<html>oops")

    answer = simulator.call("GET", "/broadworks/subscribers", api.token)

    assert (answer.status_code, answer.text) == (200, "<html>oops")


def test_an_answer_can_be_late(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="provision", delay_after_ms=400)
    began = time.monotonic()

    assert api.provision().status_code == 200

    assert time.monotonic() - began >= 0.4


def test_faults_can_be_seen_and_forgotten(api: Api, simulator: SimulatorProcess):
    simulator.fault(operation="list", status=500, times=9)
    assert simulator.control("GET", "faults")["items"][0]["times"] == 9

    simulator.control("DELETE", "faults")

    assert api.list().status_code == 200


def test_a_fault_without_a_plan_is_refused(simulator: SimulatorProcess):
    for body in ({}, {"operation": "list"}, {"status": 500, "sttaus": 1}):
        with pytest.raises(AssertionError, match="400"):
            simulator.fault(**body)
