"""A subscriber under way: refused with 409, or with 423 and Retry-After if the account says so."""

from __future__ import annotations

from typing import Any

import pytest
from requests import Response

from tests.simulator.conftest import Api, a_subscriber, an_account, codes
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"


@pytest.fixture
def locked(api: Api, simulator: SimulatorProcess) -> Api:
    simulator.load({"accounts": [an_account(busy="locked", update_seconds=[40, 40])]})
    return api


def touches(api: Api, subscriber_id: str) -> list[Response]:
    return [
        api.update(subscriber_id, package="premium"),
        api.provision(USER),
        api.remove(subscriber_id),
    ]


@pytest.mark.parametrize("status", ["provisioning", "updating"])
def test_what_is_under_way_is_locked_for_the_seconds_left(
    status: str, locked: Api, simulator: SimulatorProcess
):
    if status == "updating":
        simulator.load({"subscribers": [a_subscriber(USER)]})
        locked.update(locked.only(USER)["id"], package="basic")
    else:
        locked.provision(USER)  # the customer's first user: 8 seconds
    before = locked.only(USER)
    longest = 40 if status == "updating" else 8

    for answer in touches(locked, before["id"]):
        assert (answer.status_code, codes(answer)) == (423, [None])
        assert longest - 5 <= int(answer.headers["Retry-After"]) <= longest
    assert locked.only(USER) == before

    simulator.advance(longest + 1)
    assert locked.update(before["id"], package="premium").status_code == 200


def test_without_a_known_end_there_is_no_retry_after(locked: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="provisioning")]})

    answer = locked.remove(locked.only(USER)["id"])

    assert answer.status_code == 423
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("status", ["provisioned", "error", "pending_email_input"])
def test_what_rests_is_not_locked(status: str, locked: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status=status, extension="1")]})

    assert locked.update(locked.only(USER)["id"], lastName="Ny").status_code == 200


def test_by_default_it_is_a_conflict_and_may_be_removed(api: Api):
    made = api.provision(USER).json()

    answers = touches(api, made["id"])

    assert [answer.status_code for answer in answers] == [409, 409, 204]
    assert [codes(answer) for answer in answers[:2]] == [[None], [10022]]


@pytest.mark.parametrize("value", ["", "423", None, True])
def test_another_word_for_it_is_refused(value: Any, simulator: SimulatorProcess):
    with pytest.raises(AssertionError, match="400"):
        simulator.load({"accounts": [an_account(busy=value)]})
