from __future__ import annotations

import pytest
import requests

from tests.simulator.conftest import Api, a_subscriber, an_account
from tests.simulator_process import SimulatorProcess

USER, EMAIL = "100@nordictel.example", "100@acme.example"


@pytest.fixture
def waiting(api: Api, simulator: SimulatorProcess) -> dict:
    simulator.load({"addresses": [{"email": EMAIL, "kind": "consumer"}]})
    simulator.load({"subscribers": [a_subscriber("1@nordictel.example")]})
    api.provision(USER)
    simulator.advance(10)
    return api.only(USER)


def test_a_consumer_account_moves_only_into_an_organisation_that_is_there(
    api: Api, simulator: SimulatorProcess
):
    simulator.load({"addresses": [{"email": EMAIL, "kind": "consumer"}]})
    api.provision(USER)
    simulator.advance(10)

    refused = api.only(USER)
    assert refused["status"] == "error"
    assert [error.keys() for error in refused["errors"]] == [{"description"}]
    assert "organization" in refused["errors"][0]["description"]
    assert simulator.mails() == []

    api.provision("1@nordictel.example")
    simulator.advance(10)
    api.provision(USER)
    simulator.advance(10)
    assert api.only(USER)["status"] == "pending_user_migration"


def test_a_consumer_account_waits_for_consent(waiting: dict, simulator: SimulatorProcess):
    assert waiting["status"] == "pending_user_migration"

    (mail,) = simulator.mails(EMAIL)

    assert mail["subscriber_id"] == waiting["id"]
    assert mail["link"].startswith(f"{simulator.url}/consent/")


def test_opening_the_link_changes_nothing(waiting: dict, api: Api, simulator: SimulatorProcess):
    page = requests.get(simulator.mails()[0]["link"], timeout=60)

    assert page.status_code == 200
    assert '<button type="submit">' in page.text
    assert EMAIL in page.text
    assert api.only(USER) == waiting


def test_consent_provisions_once(waiting: dict, api: Api, simulator: SimulatorProcess):
    link = simulator.mails()[0]["link"]

    assert requests.post(link, timeout=60).status_code == 200
    assert api.only(USER)["status"] == "provisioning"
    simulator.advance(5)
    assert api.only(USER)["status"] == "provisioned"
    assert requests.post(link, timeout=60).status_code == 410
    assert api.only(USER)["status"] == "provisioned"


def test_the_mail_can_be_sent_again(waiting: dict, api: Api, simulator: SimulatorProcess):
    answer = api.call("POST", f"/subscribers/{waiting['id']}/emails/consentMove")

    assert answer.status_code == 204
    newest, oldest = simulator.mails(EMAIL)
    assert newest["link"] != oldest["link"]


def test_no_mail_is_sent_in_another_status(api: Api, simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(time_scale=0)]})
    made = api.provision(USER).json()

    answer = api.call("POST", f"/subscribers/{made['id']}/emails/consentMove")

    assert answer.status_code == 409
    assert simulator.mails() == []


def test_the_link_of_a_removed_subscriber_is_over(
    waiting: dict, api: Api, simulator: SimulatorProcess
):
    api.remove(waiting["id"])

    assert requests.get(simulator.mails()[0]["link"], timeout=60).status_code == 410


def test_an_unknown_link_is_not_found(simulator: SimulatorProcess):
    unknown = "00000000-0000-0000-0000-000000000000"
    assert requests.get(f"{simulator.url}/consent/{unknown}", timeout=60).status_code == 404
