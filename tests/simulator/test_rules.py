"""Each cause of a refusal, as the precheck and as the attempt answer it."""

from __future__ import annotations

from typing import Any

import pytest
from requests import Response

from tests.simulator.conftest import (
    CUSTOMER,
    FOREIGN_HOME,
    HOME,
    SECOND_HOME,
    Api,
    a_body,
    a_subscriber,
    an_account,
    codes,
)
from tests.simulator_process import SimulatorProcess

USER, OTHER = "100@nordictel.example", "200@nordictel.example"
EMAIL = "100@acme.example"


def an_address(kind: str, **members: Any) -> dict[str, Any]:
    return {"addresses": [{"email": EMAIL.upper(), "kind": kind} | members]}


def a_customer(**members: Any) -> dict[str, Any]:
    return {"enterprises": [{"id": CUSTOMER, "provisioning_id": HOME} | members]}


def precheck(api: Api, **members: Any) -> Response:
    return api.call("POST", "/broadworks/subscribers/validate", json=a_body(USER) | members)


LATER = {
    "other organisation": (an_address("other_organisation"), 200039, 200039),
    "member of another": (an_address("member_of_other_organisation"), 200039, 200045),
    "entitlement": (an_address("conflicting_entitlement"), 200041, 200041),
    "taken": ({"subscribers": [a_subscriber(OTHER, email=EMAIL)]}, 200042, 200048),
    "config set": (a_customer(problem="config_set_mismatch"), 200040, 200040),
    "mapping": (a_customer(problem="mapping_incorrect"), 200043, 200043),
    "region": (a_customer(region="us"), 200054, 200054),
}


@pytest.mark.parametrize("cause", LATER)
def test_what_the_precheck_refuses_fails_later_when_attempted(
    cause: str, api: Api, simulator: SimulatorProcess
):
    world, precheck_code, attempt_code = LATER[cause]
    simulator.load(world)

    refused = precheck(api)
    assert 400 <= refused.status_code < 500
    assert codes(refused) == [precheck_code]

    assert api.provision(USER).json()["status"] == "provisioning"
    simulator.advance(10)
    found = api.only(USER)
    assert found["status"] == "error"
    assert [error["errorCode"] for error in found["errors"]] == [attempt_code]
    assert found["errors"][0]["description"].startswith("Failed ")


AT_ONCE = {
    "another template's customer": ({}, {"provisioningId": SECOND_HOME}, 200050, 200050),
    "another partner's customer": (
        {"enterprises": [{"id": "Iber", "provisioning_id": FOREIGN_HOME}]},
        {"spEnterpriseId": "Iber"},
        200051,
        200051,
    ),
    "provider beside group": ({}, {"spEnterpriseId": "Nordictel"}, 200051, 200051),
    "conflict": (a_customer(problem="conflict"), {}, 200051, 200051),
    "user elsewhere": (
        {"subscribers": [a_subscriber(USER, enterprise="Nordictel+beta", status="error")]},
        {},
        200044,
        200047,
    ),
    "twins": (
        {
            "subscribers": [
                a_subscriber(USER, enterprise="Nordictel+beta", status="pending_email_input"),
                a_subscriber(USER, status="pending_email_input"),
            ]
        },
        {},
        200044,
        200046,
    ),
    "active already": ({"subscribers": [a_subscriber(USER)]}, {}, 10022, 10022),
}


@pytest.mark.parametrize("cause", AT_ONCE)
def test_what_is_refused_at_once(cause: str, api: Api, simulator: SimulatorProcess):
    world, members, precheck_code, attempt_code = AT_ONCE[cause]
    simulator.load(world)
    before = api.list().json()

    refused, attempt = precheck(api, **members), api.provision(USER, **members)

    assert (codes(refused), codes(attempt)) == ([precheck_code], [attempt_code])
    assert attempt.status_code in {400, 409}
    assert api.list().json() == before


def test_an_address_of_a_failed_attempt_is_free(api: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(OTHER, email=EMAIL, status="error")]})

    assert precheck(api).json()["message"] == "success"


def test_an_address_that_a_waiting_attempt_holds_is_not_given_twice(
    api: Api, simulator: SimulatorProcess
):
    api.provision(USER, email=EMAIL)
    api.provision(OTHER, email=EMAIL.upper())

    simulator.advance(10)

    assert api.only(USER)["status"] == "provisioned"
    assert api.only(OTHER)["errors"][0]["errorCode"] == 200048


@pytest.mark.parametrize(
    "world", [an_address("down", attempts=1), a_customer(problem="down", attempts=1)]
)
def test_a_backend_that_was_down_is_cured_by_a_retry(
    world: dict[str, Any], api: Api, simulator: SimulatorProcess
):
    simulator.load(world)
    assert precheck(api).json()["message"] == "success"

    api.provision(USER)
    simulator.advance(10)
    failed = api.only(USER)
    assert failed["status"] == "error"
    assert "errorCode" not in failed["errors"][0]

    api.provision(USER)
    simulator.advance(10)
    assert api.only(USER)["status"] == "provisioned"


def test_a_problem_ends_with_its_time(api: Api, simulator: SimulatorProcess):
    simulator.load(an_address("other_organisation", until="2020-01-01T00:00:00Z"))

    assert precheck(api).json()["message"] == "success"


def test_an_address_can_be_refused_at_once(api: Api, simulator: SimulatorProcess):
    simulator.load(an_address("conflicting_entitlement", at_once=True))

    answer = api.provision(USER)

    assert (answer.status_code, codes(answer)) == (409, [200041])
    assert api.user_ids() == []


def test_an_address_can_be_refused_with_any_code(api: Api, simulator: SimulatorProcess):
    simulator.load(an_address("refused", code=299999, description="Something new"))

    api.provision(USER)
    simulator.advance(10)

    assert api.only(USER)["errors"] == [{"errorCode": 299999, "description": "Something new"}]


def test_a_slow_address_takes_its_time(api: Api, simulator: SimulatorProcess):
    simulator.load(an_address("slow", seconds=60))
    api.provision(USER)

    simulator.advance(50)
    assert api.only(USER)["status"] == "provisioning"
    simulator.advance(11)
    assert api.only(USER)["status"] == "provisioned"


def test_the_precheck_takes_an_address_alone(api: Api):
    answer = api.precheck("new@acme.example", customerInfo={"primaryEmail": "a@acme.example"})

    assert answer.json()["info"]["infoCode"] == 100


def test_the_precheck_of_a_waiting_subscriber_passes(api: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="pending_email_input")]})

    assert precheck(api).json()["message"] == "success"


@pytest.mark.parametrize(
    ("members", "field"),
    [({"email": ""}, "email"), ({"customerInfo": {}}, "primaryEmail"), ({"userId": ""}, "userId")],
)
def test_the_precheck_names_what_is_missing(members: dict[str, Any], field: str, api: Api):
    answer = precheck(api, **members)

    assert (answer.status_code, codes(answer)) == (400, [1001])
    assert answer.json()["errors"][0]["fieldName"] == field


def test_the_precheck_needs_a_cluster(simulator: SimulatorProcess):
    simulator.load({"accounts": [{"token": "new", "name": "Newcomer"}]})

    answer = Api(simulator, "new").precheck("a@acme.example")

    assert answer.status_code == 400
    assert "cluster" in answer.json()["message"]


def test_answers_follow_the_examples_on_request(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(answers="examples")]})

    body = simulator.call("POST", "/broadworks/subscribers", api.token, json=a_body(USER)).json()
    info = simulator.call(
        "POST", "/broadworks/subscribers/validate", api.token, json={"email": "a@acme.example"}
    ).json()["info"]

    assert body["selfActivated"] == "false"
    assert info[0]["infoCode"] == 100
