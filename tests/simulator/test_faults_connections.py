"""Connections that break, hang or are late, and an effect that comes when nobody waits any more."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.simulator.conftest import Api
from tests.simulator.wire import ask, post
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"


@pytest.mark.parametrize("effect", [False, True])
def test_a_connection_breaks_before_or_after_the_effect(
    api: Api, simulator: SimulatorProcess, effect: bool
):
    simulator.fault(kind="drop", operation="provision", effect=effect)

    with pytest.raises(ConnectionResetError):
        post(simulator)

    assert api.user_ids() == ([USER] if effect else [])
    (line,) = simulator.requests(operation="provision")
    assert (line["effect"], line["answer"]) == (effect, "not sent")


def test_a_black_hole_does_nothing_and_never_answers(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="black_hole", operation="provision", seconds=0.3, times=1)

    with pytest.raises(ConnectionResetError):
        post(simulator)

    assert api.user_ids() == []


def test_those_who_hang_do_not_keep_others_waiting(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="black_hole", operation="provision", seconds=6)
    with ThreadPoolExecutor(24) as pool:
        hanging = [pool.submit(post, simulator, f"{n}@nordictel.example") for n in range(24)]
        _until(lambda: len(simulator.requests(operation="provision")) == 24)

        assert api.list().status_code == 200

        assert not any(call.done() for call in hanging)


def test_a_slow_answer_takes_its_time(api: Api, simulator: SimulatorProcess):
    for effect in ("first", "last"):
        simulator.control("DELETE", "faults")
        simulator.fault(kind="slow", seconds=0.3, up_to=0.4, effect=effect)
        began = time.monotonic()

        assert api.list().status_code == 200

        assert time.monotonic() - began >= 0.3


def test_the_effect_may_come_after_the_client_gave_up(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="late_effect", effect_after_seconds=1, times=1)

    with pytest.raises(TimeoutError):
        post(simulator, timeout=0.3)

    assert api.user_ids() == []
    _until(lambda: api.user_ids() == [USER])
    (line,) = simulator.requests(operation="provision")
    assert (line["status"], line["effect"], line["answer"]) == (200, True, "not sent")
    assert line["at"] < api.only(USER)["created"] <= line["finished_at"]


def test_a_patient_client_gets_the_answer(simulator: SimulatorProcess):
    simulator.fault(kind="late_effect", effect_after_seconds=0.2)

    assert post(simulator).data["userId"] == USER


@pytest.mark.parametrize("form", ["drop", "gateway_timeout"])
def test_the_effect_may_come_after_a_failure(api: Api, simulator: SimulatorProcess, form: str):
    simulator.fault(kind="late_effect", form=form, effect_after_seconds=0.8, times=1)

    if form == "drop":
        with pytest.raises(ConnectionResetError):
            post(simulator)
    else:
        assert post(simulator).status == 504
    assert api.user_ids() == []

    _until(lambda: api.user_ids() == [USER])
    failed, late = simulator.requests(operation="provision")
    assert [failed["effect"], late["effect"]] == [False, True]
    assert (failed["at"], failed["tracking_id"]) == (late["at"], late["tracking_id"])
    assert late["finished_at"] > failed["finished_at"]


def test_a_reset_ends_what_was_to_come_late(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="late_effect", form="gateway_timeout", effect_after_seconds=0.2, times=1)
    post(simulator)
    simulator.fault(kind="late_effect", form="gateway_timeout", effect_after_seconds=0.8, times=1)
    post(simulator, "200@nordictel.example")
    _until(lambda: api.user_ids() == [USER])

    simulator.reset()

    time.sleep(0.8)  # an absence can only be waited for
    assert simulator.requests() == []


@pytest.mark.parametrize(
    ("form", "status", "kind"), [("503", 503, "application/json"), ("html", 502, "text/html")]
)
def test_everything_is_down_for_a_time(
    simulator: SimulatorProcess, form: str, status: int, kind: str
):
    simulator.fault(kind="down", form=form, for_seconds=300)

    answers = [ask(simulator), post(simulator)]
    login = simulator.login("100@nordictel.example", "secret")

    assert [answer.status for answer in answers] == [status, status]
    assert login.status_code == status
    assert answers[0].all("Content-Type") == [kind]
    assert requests.get(f"{simulator.url}/healthz", timeout=60).ok
    simulator.advance(301)
    assert ask(simulator).data == {"items": []}


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize(
    ("form", "kind", "words"),
    [
        ("html", "text/html", "<title>403 Forbidden</title>"),
        ("json", "application/json", '{"message": "Forbidden"}'),
        ("text", "text/plain", "default backend - 403"),
        ("empty", "text/html", ""),
    ],
)
def test_a_gateway_answers_in_its_own_words(
    api: Api, simulator: SimulatorProcess, form: str, kind: str, words: str, effect: bool
):
    simulator.fault(kind="gateway", status="403", form=form, effect=effect, times=1)

    answer = post(simulator)

    assert (answer.status, answer.all("Content-Type")) == (403, [kind])
    assert words in answer.body.decode()
    assert answer.all("TrackingID") == []
    assert len(api.user_ids()) == effect


@pytest.mark.parametrize("form", ["drop", "hang"])
def test_everything_is_down_without_a_word(simulator: SimulatorProcess, form: str):
    simulator.fault(kind="down", form=form, seconds=0.2)

    for call in (lambda: ask(simulator), lambda: post(simulator)):
        with pytest.raises(ConnectionResetError):
            call()


def test_an_outage_may_cover_the_health_address(simulator: SimulatorProcess):
    simulator.fault(kind="down", healthz=True)

    assert requests.get(f"{simulator.url}/healthz", timeout=60).status_code == 503
    simulator.control("DELETE", "faults")
    assert requests.get(f"{simulator.url}/healthz", timeout=60).ok


def _until(holds, seconds: float = 100.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)
