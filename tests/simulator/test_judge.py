"""The judge says no to a client that doubles or overlaps, and yes to one that doesn't."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest
import requests
from requests import Response

from tests.simulator.conftest import CUSTOMER, HOME, TOKEN, a_body, a_subscriber, an_account
from tests.simulator.judging import OTHER, RIGHT, USER, counts, look, post, put, remove
from tests.simulator_process import Json, SimulatorProcess

BEARER = {"Authorization": f"Bearer {TOKEN}"}


# ---- A good client ----


def test_a_patient_client_is_right(simulator: SimulatorProcess):
    simulator.fault(operation="provision", status=429, headers={"Retry-After": "1"})
    refused = post(simulator)
    time.sleep(float(refused.headers["Retry-After"]))  # as a good client does
    made = post(simulator).json()
    simulator.advance(60)
    put(simulator, made["id"], lastName="Lund")
    simulator.advance(60)
    remove(simulator, made["id"])
    post(simulator)

    verdict = simulator.judge()

    assert verdict["right"]
    assert counts(verdict) == RIGHT | {"repeated": 1}  # made, removed and made again
    (effects,) = verdict["effects"]["items"]
    assert effects == {
        "user_id": USER, "provisioning_id": HOME, "sp_enterprise_id": CUSTOMER, "effects": 4,
        "created": 2, "renewed": 0, "updated": 1, "removed": 1, "mailed": 0,
    }  # fmt: skip


def test_changes_one_after_the_other_do_not_overlap(simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="error", email="a@acme.example")]})
    public_id = look(simulator).json()["items"][0]["id"]

    for number in range(60):
        with requests.Session() as simulator.http:  # each time a connection of its own
            put(simulator, public_id, lastName=f"Holm {number}")

    assert counts(simulator.judge()) == RIGHT


def test_whoever_acts_within_a_millisecond_of_an_answer_does_not_overlap_it(
    simulator: SimulatorProcess,
):
    for number in range(20):
        post(simulator, f"{number}@nordictel.example")
    assert simulator.judge()["right"]  # all marks are written

    url = os.environ["SIMULATOR_DATABASE_URL"]
    with closing(psycopg2.connect(url)) as mine, mine.cursor() as cursor:
        cursor.execute("SELECT at FROM simulator_answer ORDER BY line DESC LIMIT 20")
        ends = [at for (at,) in cursor]

    assert len(ends) == 20
    assert all(end.microsecond % 1000 == 0 for end in ends)  # as arrivals are


# ---- Doubled ----


def without_unique_keys(simulator: SimulatorProcess) -> None:
    simulator.load({"accounts": [an_account(unique_key=False)]})


def test_a_subscriber_made_twice_is_caught(simulator: SimulatorProcess):
    without_unique_keys(simulator)
    post(simulator)
    post(simulator, USER.upper())

    verdict = simulator.judge()

    assert not verdict["right"]
    assert counts(verdict) == RIGHT | {"doubled": 1}
    (doubled,) = verdict["doubled"]["items"]
    (line,) = [line for line in simulator.requests() if line["id"] in doubled["lines"]]
    assert (doubled["user_id"], line["user_id"]) == (USER, USER.upper())


def test_two_of_one_key_are_still_doubled_after_one_is_removed(simulator: SimulatorProcess):
    without_unique_keys(simulator)
    for _ in range(2):
        post(simulator)
    remove(simulator, post(simulator).json()["id"])
    post(simulator)

    (doubled,) = simulator.judge()["doubled"]["items"]

    assert (len(doubled["lines"]), doubled["live"]) == (3, 3)


def test_made_again_after_broadworks_took_it_away_is_not_doubled(simulator: SimulatorProcess):
    user = {"user_id": USER, "password": "x", "enterprise": CUSTOMER, "provisioning_id": HOME}
    simulator.load({"broadworks_users": [user]})
    post(simulator)
    simulator.unassign(USER)

    assert post(simulator).ok
    assert simulator.judge()["right"]
    assert [line["change"] for line in simulator.requests(operation="control")] == ["left"]


def test_made_again_after_another_user_id_was_given_is_not_doubled(simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(time_scale=0)]})
    public_id = post(simulator).json()["id"]
    assert put(simulator, public_id, userId=OTHER).ok

    assert post(simulator).ok
    assert simulator.judge()["doubled"]["count"] == 0


def test_a_retry_with_the_same_body_is_told_and_not_held_against_anyone(
    simulator: SimulatorProcess,
):
    simulator.load({"subscribers": [a_subscriber(USER, status="error")]})
    post(simulator)
    public_id = look(simulator).json()["items"][0]["id"]
    simulator.force(public_id, status="error")
    post(simulator)

    verdict = simulator.judge()

    assert verdict["right"]
    assert counts(verdict) == RIGHT | {"repeated": 1}
    assert len(verdict["repeated"]["items"][0]["lines"]) == 2


# ---- Overlaps ----


def hold_up(simulator: SimulatorProcess, contains: str, **more: Any) -> None:
    """Hold up what contains a text; twice, as a fault that is used up is no longer shown."""
    simulator.fault(contains=contains, delay_ms=600, times=2, **more)


def begin(simulator: SimulatorProcess, method: str, path: str, body: Json) -> Future[Response]:
    """Start a request that a fault holds up; returns once the fault has it."""
    url = f"{simulator.url}/v1/broadworks/subscribers{path}"
    pool = ThreadPoolExecutor(1)
    asked = pool.submit(requests.request, method, url, json=body, headers=BEARER, timeout=30)
    pool.shutdown(wait=False)
    end = time.monotonic() + 100
    while not any(fault["hits"] for fault in simulator.control("GET", "rehearsal")["faults"]):
        assert time.monotonic() < end
        time.sleep(0.01)
    return asked


def test_two_changes_of_one_subscriber_at_once_are_caught(simulator: SimulatorProcess):
    hold_up(simulator, USER)
    slow = begin(simulator, "POST", "", a_body(USER))
    post(simulator, USER.upper())
    post(simulator, OTHER)
    slow.result()

    verdict = simulator.judge()

    assert not verdict["right"]
    assert counts(verdict) == RIGHT | {"overlaps": 1}
    (overlap,) = verdict["overlaps"]["items"]
    lines = {line["id"]: line for line in simulator.requests()}
    assert (lines[overlap["first"]]["user_id"], overlap["user_id"]) == (USER, USER)
    assert lines[overlap["second"]]["user_id"] == USER.upper()


def test_a_change_that_takes_effect_after_its_client_gave_up_overlaps_the_next(
    simulator: SimulatorProcess,
):
    simulator.fault(operation="provision", delay_ms=800, times=1)
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{simulator.url}/v1/broadworks/subscribers", json=a_body(USER),
            headers=BEARER, timeout=0.2,
        )  # fmt: skip
    post(simulator)
    until_logged(simulator, 2)

    assert simulator.judge()["overlaps"]["count"] == 1


def answered_before_its_effect(simulator: SimulatorProcess) -> None:
    options = {"form": "gateway_timeout", "effect_after_seconds": 0.6}
    simulator.fault(kind="late_effect", operation="provision", times=1, **options)
    assert post(simulator).status_code == 504


def test_a_late_effect_does_not_overlap_itself(simulator: SimulatorProcess):
    answered_before_its_effect(simulator)
    until_logged(simulator, 2)

    answer, effect = simulator.requests()

    assert (answer["effect"], effect["effect"]) == (False, True)
    assert answer["tracking_id"] == effect["tracking_id"]
    assert counts(simulator.judge()) == RIGHT


def test_whoever_does_not_wait_for_a_late_effect_overlaps_it(simulator: SimulatorProcess):
    answered_before_its_effect(simulator)
    post(simulator)
    until_logged(simulator, 3)

    assert simulator.judge()["overlaps"]["count"] == 1


def test_a_change_refused_before_anyone_looked_at_it_overlaps_too(simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="error")]})
    public_id = look(simulator).json()["items"][0]["id"]
    hold_up(simulator, "Lund", status=503)
    slow = begin(simulator, "PUT", f"/{public_id}", {"lastName": "Lund"})
    put(simulator, public_id, lastName="Holm")
    assert slow.result().status_code == 503

    assert counts(simulator.judge()) == RIGHT | {"overlaps": 1}


def until_logged(simulator: SimulatorProcess, lines: int) -> None:
    end = time.monotonic() + 100
    while len(simulator.requests()) < lines:
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- The question ----


def test_the_judge_looks_where_he_is_told_to(simulator: SimulatorProcess):
    without_unique_keys(simulator)
    for _ in range(2):
        post(simulator)
    last = simulator.requests()[-1]["id"]

    assert simulator.judge(after=last)["lines"] == 0
    assert simulator.judge(token_name="Iberfone")["right"]
    assert not simulator.judge(token_name="Nordictel")["right"]
    run = simulator.judge()["run"]
    simulator.reset()
    assert simulator.judge()["right"]
    assert not simulator.judge(run=run)["right"]


def test_long_lists_are_cut_and_counted(simulator: SimulatorProcess):
    without_unique_keys(simulator)
    for number in range(4):
        for _ in range(2):
            post(simulator, f"{number}@nordictel.example")

    doubled = simulator.judge(limit=3)["doubled"]

    assert (doubled["count"], len(doubled["items"])) == (4, 3)


def test_the_judge_counts_what_came_and_what_was_answered(simulator: SimulatorProcess):
    simulator.fault(operation="list", status=500)
    look(simulator)
    post(simulator)

    failed, made = simulator.judge()["counts"]

    assert made == {
        "operation": "provision", "status": 200, "fault": "", "requests": 1, "effects": 1,
        "sent": 1, "not_sent": 0, "unknown": 0,
    }  # fmt: skip
    assert (failed["operation"], failed["status"], failed["effects"]) == ("list", 500, 0)
    assert failed["fault"]


def test_many_at_once_are_judged_as_they_were(simulator: SimulatorProcess):
    """Different subscribers at the same time are nobody's fault."""
    barrier = threading.Barrier(8)

    def one(number: int) -> Response:
        body = a_body(f"{number}@nordictel.example")
        barrier.wait()
        url = f"{simulator.url}/v1/broadworks/subscribers"
        return requests.post(url, json=body, headers=BEARER, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        assert all(answer.ok for answer in pool.map(one, range(8)))

    assert counts(simulator.judge()) == RIGHT
