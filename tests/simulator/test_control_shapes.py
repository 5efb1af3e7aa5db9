"""Whatever is sent to the control API: never a 500, always words, and nothing is broken by it."""

from __future__ import annotations

import itertools
import json

import pytest
import requests
from requests import Response

from tests.simulator.conftest import CUSTOMER, HOME, TOKEN, Api, an_account
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"
#: JSON texts that no member likes, or only some do.
ODD = [
    "null", "true", "0", "-1", "1.5", "1e400", "-1e400", "NaN", "Infinity", "1" * 40, "1" * 5000,
    '""', '"x"', r'"\u0000"', r'"\ud800"', '"😀\u202e"', '"' + "y" * 3000 + '"',
    "[]", "[null]", "[1]", "[[]]", "[{}]", r'["\ud800"]', "{}", '{"a": 1}',
    "[" * 5000 + "]" * 5000,
]  # fmt: skip
MEMBERS = {
    "world": "accounts provisioning_ids enterprises broadworks_users addresses subscribers",
    "broadworks/assign": "user_id user_ids enterprise group provisioning_id",
    "broadworks/users": "users user_id password",
    "scenarios/first-day": "token provisioning_id seed pace",
    "generate": "subscribers token provisioning_id provisioning_ids enterprises seed password"
    " statuses",
    "advance": "seconds",
    "faults": "kind faults token_name operation contains probability script count_by seed times"
    " after_seconds for_seconds status body headers after drop_before drop_after delay_ms"
    " delay_after_ms form",
}
GOOD = {
    "broadworks/assign": {"user_id": USER},
    "broadworks/users": {"user_id": "new@nordictel.example"},
    "scenarios/first-day": {"token": TOKEN, "provisioning_id": HOME},
    "generate": {"subscribers": 1, "token": TOKEN},
    "faults": {"status": 503, "operation": "consent_move", "times": 1},
}
ENTRIES = {
    "accounts": (
        {"token": TOKEN, "name": "Nordictel"},
        "token name region token_name scopes expires_in_seconds settings",
    ),
    "provisioning_ids": ({"id": HOME, "account": "Nordictel"}, "id account region cluster"),
    "enterprises": (
        {"id": CUSTOMER, "provisioning_id": HOME},
        "id provisioning_id is_enterprise group region problem attempts until for_seconds",
    ),
    "broadworks_users": (
        {"user_id": USER, "enterprise": CUSTOMER, "password": "pw"},
        "user_id password first_name enterprise provisioning_id package im_p assign_after_seconds"
        " unassign_after_seconds locked locked_answer answer_status max_failures"
        " password_expires_days",
    ),
    "addresses": (
        {"email": "100@acme.example", "kind": "slow"},
        "email kind attempts until for_seconds at_once code description seconds",
    ),
    "subscribers": (
        {"user_id": "7@nordictel.example", "provisioning_id": HOME, "enterprise": CUSTOMER},
        "user_id provisioning_id enterprise email package status errors first_name self_activated"
        " age_seconds changed_seconds_ago",
    ),
}
SETTINGS = (
    "repeated_post unique_key next_link_keeps_filters answers busy time_scale requests_per_minute"
    " burst provision_seconds update_seconds first_user_seconds"
)
#: Of every member's odd values every step-th is sent; `make test-long` sends all.
STEPS = pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])


def send(
    simulator: SimulatorProcess, name: str, body: str | bytes, method: str = "POST"
) -> Response:
    headers = {"Authorization": f"Bearer {simulator.control_token}"}
    content = body.encode() if isinstance(body, str) else body
    url = f"{simulator.url}/_control/{name}"
    return requests.request(method, url, data=content, headers=headers, timeout=60)


def with_member(entry: dict, member: str, value: str) -> str:
    """The JSON text of an entry, one of its members being this JSON text."""
    others = {name: json.dumps(other) for name, other in entry.items() if name != member}
    pairs = (f'"{name}": {text}' for name, text in (others | {member: value}).items())
    return "{" + ", ".join(pairs) + "}"


def assert_it_answers(answer: Response, sent: str) -> None:
    assert answer.status_code in {200, 400}, f"{sent[:200]}: {answer.status_code} {answer.text}"
    if answer.status_code == 400:
        words = answer.json()["message"]
        assert words, sent[:200]
        assert not words.startswith(("KeyError", "TypeError", "DataError")), (
            f"{sent[:200]}: {words}"
        )


def assert_it_works(api: Api, sent: str) -> None:
    """What was accepted must not break anything that comes later."""
    answers = [
        api.simulator.call("GET", "/broadworks/subscribers", TOKEN),
        api.simulator.call("GET", "/broadworks/enterprises", TOKEN),
        api.simulator.call("POST", "/broadworks/subscribers", TOKEN, json={
            "provisioningId": HOME, "userId": USER, "spEnterpriseId": CUSTOMER, "firstName": "A",
            "lastName": "B", "package": "standard", "email": "100@acme.example",
        }),
        api.simulator.login(USER, "pw"),
        send(api.simulator, "broadworks/users", b"", "GET"),
    ]  # fmt: skip
    statuses = [answer.status_code for answer in answers]
    assert max(statuses) < 500, f"{sent[:200]}: {statuses}"


def pairs(members: str, step: int) -> list[tuple[str, str]]:
    """Members with an odd value each: over the members, every value has its turn."""
    return list(itertools.product(members.split(), ODD))[::step]


@STEPS
@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_a_request_of_the_wrong_form_is_refused_with_words(
    name: str, step: int, simulator: SimulatorProcess
):
    for body in ("null", "[]", "1", "{", "NaN", '{"zz": 1}', "[" * 100_000, '{"a":' * 100_000):
        answer = send(simulator, name, body)
        assert answer.status_code == 400, f"{body[:50]}: {answer.status_code} {answer.text}"
        assert_it_answers(answer, body)
    assert send(simulator, name, b"\xff\xfe\x80").status_code == 400
    for body in (with_member(GOOD.get(name, {}), m, v) for m, v in pairs(MEMBERS[name], step)):
        assert_it_answers(send(simulator, name, body), body)


@STEPS
@pytest.mark.parametrize("section", sorted(ENTRIES))
def test_no_entry_of_a_world_document_breaks_the_backend(section: str, step: int, api: Api):
    entry, members = ENTRIES[section]
    for _, group in itertools.groupby(pairs(members, step), key=lambda pair: pair[0]):
        for member, value in group:
            body = f'{{"{section}": [{with_member(entry, member, value)}]}}'
            answer = send(api.simulator, "world", body)
            assert_it_answers(answer, body)
            if answer.ok:
                assert_it_works(api, body)
        api.simulator.load({"accounts": [an_account()]})
    for member in entry:
        body = json.dumps({section: [{n: v for n, v in entry.items() if n != member}]})
        assert_it_answers(send(api.simulator, "world", body), body)


@STEPS
@pytest.mark.parametrize("name", SETTINGS.split())
def test_no_setting_of_an_account_breaks_the_backend(name: str, step: int, api: Api):
    numbers = ("1e300", "1e8", "[1e400, 1]", "[1e300, 1e300]", "[1e8, 1e8]", "[4, 2]")
    for value in (*numbers, *ODD)[::step]:
        settings = f'{{"{name}": {value}}}'
        body = f'{{"accounts": [{with_member(an_account(), "settings", settings)}]}}'
        answer = send(api.simulator, "world", body)
        assert_it_answers(answer, body)
        if answer.ok:
            assert_it_works(api, body)


@pytest.mark.parametrize("name", ["requests", "judge", "mails", "broadworks/users"])
def test_no_query_breaks_the_control_api(name: str, simulator: SimulatorProcess):
    parameters = "after limit run grace_ms effect status user_id q im_p to enterprise newest"
    values = ("", "x", "-1", "9" * 30, "9" * 5000, "1e9", "%00", "%ED%A0%80", "%F0%9F%98%80", "1.5")
    for query in (f"{member}={value}" for member in parameters.split() for value in values):
        assert_it_answers(send(simulator, f"{name}?{query}", b"", "GET"), query)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": "x"}, "status: a whole number from 200 to 599"),
        ({"status": 99}, "status: a whole number"),
        ({"headers": {"A b": "c"}}, "headers"),
        ({"headers": {"A": "b\r\nC: d"}}, "headers"),
        ({"headers": []}, "headers"),
        ({"delay_ms": -1}, "delay_ms"),
        ({"drop_after": "yes"}, "drop_after: true or false"),
        ({"status": 503, "seed": []}, "seed"),
    ],
)
def test_a_fault_that_could_not_be_carried_out_is_refused(
    fault: dict, words: str, simulator: SimulatorProcess
):
    answer = send(simulator, "faults", json.dumps(fault))

    assert answer.status_code == 400
    assert words in answer.json()["message"]


@pytest.mark.parametrize("seconds", [-1, 0, 1e8, -1e8])
def test_time_may_make_great_leaps(seconds: float, api: Api, simulator: SimulatorProcess):
    made = api.provision(USER).json()
    simulator.advance(seconds)

    status = api.get(made["id"]).json()["status"]

    assert status == ("provisioned" if seconds > 0 else "provisioning")
    assert send(simulator, "advance", '{"seconds": 1e12}').status_code == 400


def test_null_means_left_out(simulator: SimulatorProcess):
    person = {"user_id": USER, "password": "pw", "enterprise": CUSTOMER}
    nothing = ("assign_after_seconds", "unassign_after_seconds", "password_expires_days")
    simulator.load({"broadworks_users": [person | dict.fromkeys(nothing)]})
    simulator.load({"enterprises": [
        {"id": CUSTOMER, "provisioning_id": HOME, "attempts": None, "for_seconds": None}
    ]})  # fmt: skip

    (user,) = simulator.control("GET", "broadworks/users")["items"]

    assert not user["im_p"]
    assert simulator.login(USER, "pw").status_code == 200


def test_a_wrong_method_is_told_which_there_are(simulator: SimulatorProcess):
    answer = send(simulator, "advance", b"", "GET")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "POST" in answer.json()["message"]
    assert send(simulator, "nothing", b"").status_code == 404
