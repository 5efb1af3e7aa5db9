"""429, 423, 401, 403, 5xx: what says no, for how long, and whether something happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.simulator.conftest import FOREIGN, READER, TOKEN, Api, an_account
from tests.simulator.wire import SUBSCRIBERS, ask, post
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"
ANNOUNCED = {
    "seconds": ["7"],
    "absent": [],
    "zero": ["0"],
    "negative": ["-7"],
    "decimal": ["7.5"],
    "huge": ["1000000000"],
    "text": ["in a little while"],
    "malformed_date": ["Tue, 31 Feb 2026 25:61:00 GMT"],
    "empty": [""],
    "two": ["7", "70"],
}


@pytest.mark.parametrize("form", ANNOUNCED)
def test_a_retry_after_of_every_form(simulator: SimulatorProcess, form: str):
    simulator.fault(kind="too_many_requests", form=form, seconds=7)

    answer = post(simulator)

    assert answer.status == 429
    assert answer.all("Retry-After") == ANNOUNCED[form]
    assert answer.data["trackingId"] == answer.all("TrackingID")[0]
    assert simulator.requests()[0]["effect"] is False


@pytest.mark.parametrize(("form", "least", "most"), [("date", 7, 8), ("past_date", -3601, -3599)])
def test_a_retry_after_as_a_date_is_told_from_the_answers_own_date(
    simulator: SimulatorProcess, form: str, least: int, most: int
):
    simulator.fault(kind="too_many_requests", form=form, seconds=7)

    answer = post(simulator)

    (until,), (date,) = answer.all("Retry-After"), answer.all("Date")
    wait = (parsedate_to_datetime(until) - parsedate_to_datetime(date)).total_seconds()
    assert least <= wait <= most


def test_any_form_is_drawn_from_the_seed(simulator: SimulatorProcess):
    def forms() -> list[str]:
        simulator.control("DELETE", "faults")
        simulator.fault(kind="too_many_requests", form="any", seed="a storm")
        after = str(simulator.requests()[-1]["id"]) if simulator.requests() else "0"
        for _ in range(20):
            ask(simulator)
        return [line["fault"].partition(" ")[2] for line in simulator.requests(after=after)]

    first = forms()

    assert len(set(first)) > 5
    assert forms() == first


def test_a_storm_holds_until_the_announced_time_is_over(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="too_many_requests", seconds=60, hold=True, times=1, token_name="*")

    first, second = post(simulator), ask(simulator)

    assert (first.status, second.status) == (429, 429)
    assert 59 <= int(second.all("Retry-After")[0]) <= 60
    assert Api(simulator, FOREIGN).list().status_code == 200, "another token is not concerned"
    simulator.advance(61)
    assert api.list().status_code == 200


def test_a_storm_without_words_holds_as_well(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="too_many_requests", form="text", seconds=60, hold=True, times=1)

    assert post(simulator).all("Retry-After") == ["in a little while"]
    assert ask(simulator).status == 429


def test_one_subscriber_is_locked_and_the_others_are_served(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="locked", contains=USER, seconds=60, hold=True, times=1)

    refused = post(simulator, USER)

    assert (refused.status, refused.all("Retry-After")) == (423, ["60"])
    assert post(simulator, USER).status == 423
    assert post(simulator, "200@nordictel.example").status == 200
    simulator.advance(61)
    assert api.provision(USER).status_code == 200


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("effect", [False, True])
def test_an_error_before_or_after_the_effect_looks_the_same(
    api: Api, simulator: SimulatorProcess, status: int, effect: bool
):
    simulator.fault(kind="server_error", operation="provision", status=status, effect=effect)

    answer = post(simulator)

    assert answer.status == status
    assert answer.all("Retry-After") == []
    assert api.user_ids() == ([USER] if effect else [])
    assert simulator.requests(operation="provision")[0]["effect"] is effect


def test_an_error_may_say_how_long(simulator: SimulatorProcess):
    simulator.fault(kind="server_error", status=503, form="seconds", seconds=9)

    assert post(simulator).all("Retry-After") == ["9"]


def test_a_token_is_over_for_a_while(simulator: SimulatorProcess):
    simulator.fault(kind="token_refused", token_name="Nordictel", for_seconds=60)

    assert ask(simulator).status == 401
    assert Api(simulator, FOREIGN).list().status_code == 200
    simulator.advance(61)
    assert ask(simulator).status == 200


def test_a_scope_is_lost(simulator: SimulatorProcess):
    simulator.fault(kind="scope_lost", operation="provision", times=1)

    assert ask(simulator).status == 200
    assert [post(simulator).status for _ in range(2)] == [403, 200]


def test_a_limit_tells_the_true_time_to_wait(simulator: SimulatorProcess):
    simulator.fault(kind="rate_limit", requests_per_minute=6, burst=3)

    answers = [ask(simulator) for _ in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    wait = int(answers[-1].all("Retry-After")[0])
    assert 9 <= wait <= 10
    assert Api(simulator, FOREIGN).list().status_code == 200, "each token has its own allowance"
    simulator.advance(wait)
    assert [ask(simulator).status for _ in range(2)] == [200, 429]
    assert [bool(line["fault"]) for line in simulator.requests()][:4] == [False, False, False, True]


def test_an_account_may_have_a_limit(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(requests_per_minute=60, burst=2)]})

    answers = [ask(simulator) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].all("Retry-After") == ["1"]
    hold = datetime.fromisoformat(simulator.requests()[-1]["hold_until"])
    assert hold - datetime.now(UTC) < timedelta(seconds=1.5)
    assert ask(simulator, token=FOREIGN).status == 200
    simulator.load({"accounts": [an_account()]})
    assert ask(simulator).status == 200


@pytest.mark.parametrize("where", ["fault", "account"])
def test_a_limit_is_exact_with_many_at_once(simulator: SimulatorProcess, where: str):
    if where == "fault":
        simulator.fault(kind="rate_limit", requests_per_minute=0.1, burst=7)
    else:
        simulator.load({"accounts": [an_account(requests_per_minute=0.1, burst=7)]})

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _number: ask(simulator).status, range(30)))

    assert (statuses.count(200), statuses.count(429)) == (7, 23)


def test_a_login_has_no_such_limit(simulator: SimulatorProcess):
    simulator.fault(kind="rate_limit", requests_per_minute=1, burst=1)

    assert [simulator.login("x@y", "z").status_code for _ in range(3)] == [401, 401, 401]


def test_tokens_of_one_account_are_told_apart(simulator: SimulatorProcess):
    simulator.fault(kind="token_refused", token_name="Iberfone")

    assert ask(simulator, token=FOREIGN).status == 401
    assert [ask(simulator, path=SUBSCRIBERS, token=one).status for one in (TOKEN, READER)] == [
        200,
        200,
    ]
