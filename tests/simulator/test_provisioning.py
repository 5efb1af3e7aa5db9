from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulator.conftest import FOREIGN_HOME, Api, a_subscriber, an_account, codes
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"


def test_a_new_subscriber_is_provisioned_by_and_by(api: Api, simulator: SimulatorProcess):
    answer = api.provision()
    assert answer.json()["status"] == "provisioning"
    assert api.get(answer.json()["id"]).json()["status"] == "provisioning"

    simulator.advance(10)

    found = api.get(answer.json()["id"]).json()
    assert found["status"] == "provisioned"
    assert found["personId"]
    assert found["lastStatusChange"] > answer.json()["lastStatusChange"]


def test_the_list_applies_what_is_due_too(api: Api, simulator: SimulatorProcess):
    api.provision()

    simulator.advance(10)

    assert api.user_ids(status="provisioned") == [USER]


def test_the_first_user_of_a_customer_takes_longer(api: Api, simulator: SimulatorProcess):
    api.provision()
    simulator.advance(6)
    assert api.only(USER)["status"] == "provisioning"
    simulator.advance(3)
    assert api.only(USER)["status"] == "provisioned"

    api.provision("200@nordictel.example")
    simulator.advance(4.1)

    assert api.only("200@nordictel.example")["status"] == "provisioned"


def test_without_an_address_the_subscriber_waits_for_one(api: Api, simulator: SimulatorProcess):
    answer = api.provision(email=None)

    simulator.advance(100)

    assert api.get(answer.json()["id"]).json()["status"] == "pending_email_input"


def test_a_repeated_request_is_a_new_attempt_of_the_same_subscriber(api: Api):
    first = api.provision(email=None, primaryPhoneNumber="+45 12345678").json()

    second = api.provision(email="new@acme.example", package="basic").json()

    assert second["id"] == first["id"]
    assert (second["status"], second["email"]) == ("provisioning", "new@acme.example")
    assert (second["package"], second["primaryPhoneNumber"]) == ("basic", "+45 12345678")


def test_a_failed_subscriber_is_cured_by_a_new_address(api: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="error", errors=[200042])]})
    assert api.only(USER)["errors"][0]["errorCode"] == 200042

    api.provision(email="free@acme.example")
    simulator.advance(10)

    found = api.only(USER)
    assert found["status"] == "provisioned"
    assert "errors" not in found


@pytest.mark.parametrize("status", ["provisioned", "provisioning", "updating"])
def test_a_repeated_request_for_an_active_subscriber_is_refused(
    status: str, api: Api, simulator: SimulatorProcess
):
    simulator.load({"subscribers": [a_subscriber(USER, status=status)]})

    answer = api.provision(USER.upper())

    assert (answer.status_code, codes(answer)) == (409, [10022])
    expected = "The BroadWorks UserID is already associated with an existing user"
    assert answer.json()["errors"][0]["description"] == expected


def test_an_account_can_refuse_repeated_requests(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(repeated_post="refuse")]})
    api.provision(email=None)

    answer = api.provision()

    assert (answer.status_code, codes(answer)) == (409, [10022])


def test_requests_at_the_same_moment_make_one_subscriber(api: Api):
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: Api(api.simulator).provision(), range(6)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert api.user_ids() == [USER]


def test_without_a_unique_key_every_request_makes_one(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(unique_key=False)]})

    ids = {api.provision().json()["id"] for _ in range(3)}

    assert len(ids) == 3
    assert api.user_ids() == [USER] * 3


def test_missing_members_are_all_named(api: Api):
    answer = api.provision(firstName=None, package="")

    assert (answer.status_code, codes(answer)) == (400, [1001, 1001])
    assert [error["fieldName"] for error in answer.json()["errors"]] == ["firstName", "package"]
    assert "firstName" in answer.json()["errors"][0]["description"]


@pytest.mark.parametrize(
    "members",
    [
        {"package": "gold"},
        {"email": "no address"},
        {"userId": "x" * 162},
        {"firstName": 5},
        {"lastName": "a\x00b"},
        {"lastName": "a\ud800b"},
    ],
)
def test_members_that_make_no_sense_are_refused(members: dict[str, object], api: Api):
    answer = api.provision(**members)

    assert answer.status_code == 400
    assert answer.json()["trackingId"] == answer.headers["TrackingID"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'{"a": NaN', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body: bytes, api: Api):
    headers = {"Content-Type": "application/json"}
    answer = api.call("POST", "/broadworks/subscribers", data=body, headers=headers)

    assert answer.status_code == 400


def test_a_body_of_another_type_is_refused(api: Api):
    answer = api.call("POST", "/broadworks/subscribers", data={"userId": "x"})

    assert answer.status_code == 415


def test_an_unknown_provisioning_id_is_named(api: Api):
    answer = api.provision(provisioningId="nonsense")

    assert answer.status_code == 400
    assert "provisioningId" in answer.json()["errors"][0]["description"]
    assert api.list(provisioningId="nonsense").status_code == 400


def test_another_partners_provisioning_id_is_forbidden(api: Api):
    assert api.provision(provisioningId=FOREIGN_HOME).status_code == 403
    assert api.list(provisioningId=FOREIGN_HOME).status_code == 403


def test_an_account_without_delays_is_done_at_the_next_read(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(time_scale=0)]})
    assert api.provision().json()["status"] == "provisioning"

    assert api.only(USER)["status"] == "provisioned"
