"""Update, removal, access, and changes that Webex or BroadWorks make by themselves."""

from __future__ import annotations

import pytest
import requests

from tests.simulator.conftest import (
    CUSTOMER,
    FOREIGN,
    HOME,
    READER,
    Api,
    a_subscriber,
    an_account,
    codes,
)
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"


def existing(simulator: SimulatorProcess, status: str, **members: object) -> dict:
    entry = a_subscriber(USER, status=status, primary_phone="+45 1", extension="1", **members)
    simulator.load({"subscribers": [entry]})
    return Api(simulator).only(USER)


def test_an_update_shows_once_it_has_ended(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "provisioned")

    answer = api.update(found["id"], package="premium", mobilePhoneNumber="+45 9").json()
    assert (answer["status"], answer["package"]) == ("updating", "standard")
    assert "personId" not in answer

    simulator.advance(3)
    after = api.get(found["id"]).json()
    assert (after["status"], after["package"]) == ("provisioned", "premium")
    assert after["mobilePhoneNumber"] == "+45 9"
    assert after["personId"] == found["personId"]


def test_an_empty_mobile_number_is_gone_once_the_update_has_ended(
    api: Api, simulator: SimulatorProcess
):
    found = existing(simulator, "provisioned", mobile_phone="+45 9")

    assert api.update(found["id"], mobilePhoneNumber="").json()["mobilePhoneNumber"] == "+45 9"
    simulator.advance(3)

    after = api.get(found["id"]).json()
    assert "mobilePhoneNumber" not in after
    assert after["lastStatusChange"] > found["lastStatusChange"]
    assert after["created"] == found["created"]


def test_an_update_leaves_out_what_stays(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "provisioned", first_name="Åse", mobile_phone="+45 9")

    api.update(found["id"], lastName="Ny")
    simulator.advance(3)

    after = api.get(found["id"]).json()
    changed = {name for name in found.keys() | after.keys() if found.get(name) != after.get(name)}
    assert changed == {"lastName", "lastStatusChange"}


@pytest.mark.parametrize("status", ["pending_email_input", "error"])
def test_an_update_of_one_that_waits_shows_at_once(
    status: str, api: Api, simulator: SimulatorProcess
):
    found = existing(simulator, status)

    answer = api.update(found["id"], package="basic").json()

    assert (answer["status"], answer["package"]) == (status, "basic")
    assert answer["lastStatusChange"] == found["lastStatusChange"]


@pytest.mark.parametrize("status", ["provisioning", "updating"])
def test_an_update_meanwhile_is_refused(status: str, api: Api, simulator: SimulatorProcess):
    found = existing(simulator, status)

    assert api.update(found["id"], package="basic").status_code == 409


def test_an_empty_number_removes_it_while_another_remains(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "error")

    assert "extension" not in api.update(found["id"], extension="").json()
    refused = api.update(found["id"], primaryPhoneNumber="")

    assert refused.status_code == 400
    assert api.get(found["id"]).json()["primaryPhoneNumber"] == "+45 1"


def test_an_update_can_name_another_user_id_unless_it_is_taken(
    api: Api, simulator: SimulatorProcess
):
    found = existing(simulator, "error")
    simulator.load({"subscribers": [a_subscriber("200@nordictel.example")]})

    refused = api.update(found["id"], userId="200@NORDICTEL.example")
    renamed = api.update(found["id"], userId="300@nordictel.example")

    assert (refused.status_code, codes(refused)) == (409, [10022])
    assert renamed.json()["userId"] == "300@nordictel.example"


@pytest.mark.parametrize("members", [{"package": "gold"}, {"package": ""}, {"lastName": ""}])
def test_an_update_that_makes_no_sense_is_refused(
    members: dict[str, str], api: Api, simulator: SimulatorProcess
):
    found = existing(simulator, "provisioned")

    assert api.update(found["id"], **members).status_code == 400
    assert api.get(found["id"]).json() == found


def test_a_removed_subscriber_is_gone_and_may_come_back(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "error")

    assert api.remove(found["id"]).status_code == 204
    assert api.remove(found["id"]).status_code == 404
    assert api.get(found["id"]).status_code == 404
    again = api.provision().json()

    assert again["id"] != found["id"]


@pytest.mark.parametrize("name", ["x", "%00", "Y2lzY29zcGFyazovL3VzL1BFT1BMRS94", "validate%2F"])
def test_an_id_that_is_none_is_not_found(name: str, api: Api):
    assert api.get(name).status_code == 404


def test_another_partners_subscriber_is_not_found(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "error")
    stranger = Api(simulator, FOREIGN)

    for answer in (stranger.get(found["id"]), stranger.remove(found["id"])):
        assert answer.status_code == 404
    assert api.get(found["id"]).json() == found


def test_a_token_does_what_its_scopes_allow(simulator: SimulatorProcess):
    found = existing(simulator, "error")
    reader = Api(simulator, READER)

    assert reader.get(found["id"]).status_code == 200
    refused = [
        reader.provision(),
        reader.update(found["id"], package="basic"),
        reader.remove(found["id"]),
        reader.precheck("a@acme.example"),
        reader.call("POST", f"/subscribers/{found['id']}/emails/consentMove"),
        reader.call("GET", "/broadworks/enterprises"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 6
    assert "spark-admin:broadworks_subscribers_write" in refused[0].json()["message"]


def test_an_unknown_token_is_unauthorized(simulator: SimulatorProcess):
    answers = [
        Api(simulator, "nobody").list(),
        Api(simulator, "").list(),
        requests.get(f"{simulator.url}/v1/broadworks/subscribers", timeout=60),
    ]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert answers[0].json()["trackingId"] == answers[0].headers["TrackingID"]


def test_addresses_and_methods_that_do_not_exist(api: Api):
    assert api.call("GET", "/people").status_code == 404
    wrong = api.call("POST", "/broadworks/enterprises")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET")
    assert requests.get(f"{api.simulator.url}/nowhere", timeout=60).status_code == 404


def test_an_assigned_user_arrives_and_an_unassigned_one_disappears(
    api: Api, simulator: SimulatorProcess
):
    person = {"user_id": USER, "first_name": "Åse", "number": "+45 1", "enterprise": CUSTOMER}
    simulator.load({"broadworks_users": [person]})
    assert api.user_ids() == []

    simulator.assign(USER)
    arrived = api.only(USER)
    assert (arrived["status"], arrived["provisioningId"]) == ("pending_email_input", HOME)
    assert (arrived["firstName"], arrived["primaryPhoneNumber"]) == ("Åse", "+45 1")
    simulator.assign(USER.upper())
    assert api.only(USER) == arrived

    simulator.unassign(USER)
    assert api.user_ids() == []


def test_a_forced_change_moves_the_time_forward(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "provisioned")

    for status in ("error", "asleep", "error"):
        changed = simulator.force(found["id"], status=status, errors=[200042])
        assert changed["status"] == status
        assert changed["lastStatusChange"] > found["lastStatusChange"]
        found = changed
    assert (
        simulator.call("GET", f"/broadworks/subscribers/{found['id']}", api.token).json() == found
    )


def test_a_world_loaded_twice_changes_nothing(api: Api, simulator: SimulatorProcess):
    found = existing(simulator, "error", errors=[200042], age_seconds=60)

    assert existing(simulator, "error", errors=[200042], age_seconds=60) == found
    changed = existing(simulator, "provisioned", age_seconds=60)
    assert changed["id"] == found["id"]
    assert changed["lastStatusChange"] > found["lastStatusChange"]


@pytest.mark.parametrize(
    "world",
    [
        {"acounts": []},
        {"accounts": [an_account(speed=1)]},
        {"accounts": [{"name": "no token"}]},
        {"provisioning_ids": [{"id": "x", "account": "nobody"}]},
        {"addresses": [{"email": "a@b.dk", "kind": "odd"}]},
        {"addresses": [{"email": "a@b.dk", "kind": "refused", "code": 1}]},
        {"enterprises": [{"id": "x", "provisioning_id": HOME, "problem": "odd"}]},
        {"subscribers": [{"user_id": "x"}]},
        {"subscribers": {}},
        {"subscribers": [a_subscriber(USER), a_subscriber(USER.upper())]},
        {"accounts": [{"token": "x", "name": None}]},
    ],
)
def test_a_world_that_makes_no_sense_is_refused_whole(
    world: dict, api: Api, simulator: SimulatorProcess
):
    document = world | {
        "broadworks_users": [{"user_id": USER, "enterprise": CUSTOMER, "im_p": True}]
    }

    with pytest.raises(AssertionError, match="400"):
        simulator.load(document)

    assert api.user_ids() == []
