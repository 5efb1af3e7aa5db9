from __future__ import annotations

from xml.etree import ElementTree

import pytest
import requests
from requests.auth import HTTPBasicAuth

from tests.simulator.conftest import CUSTOMER, HOME
from tests.simulator_process import SimulatorProcess

USER, PASSWORD = "+4512345678@nordictel.example", "rødgrød: med"
XSI = "{http://schema.broadsoft.com/xsi}"


def load_user(simulator: SimulatorProcess, **members: object) -> None:
    person = {
        "user_id": USER,
        "password": PASSWORD,
        "first_name": "Åse & Bo",
        "last_name": "Ωmega",
        "enterprise": CUSTOMER,
        "number": "+45 12345678",
        "extension": "5678",
    }
    simulator.load({"broadworks_users": [person | members]})


def test_the_profile_of_a_group_user(simulator: SimulatorProcess):
    load_user(simulator, password_expires_days=12)

    answer = simulator.login(USER.upper(), PASSWORD)

    assert answer.status_code == 200
    profile = ElementTree.fromstring(answer.content)
    details = {item.tag.removeprefix(XSI): item for item in profile.find(f"{XSI}details")}
    assert {name: item.text for name, item in details.items()} == {
        "userId": USER,
        "firstName": "Åse & Bo",
        "lastName": "Ωmega",
        "groupId": "acme",
        "serviceProvider": "Nordictel",
        "number": "+45 12345678",
        "extension": "5678",
    }
    assert details["serviceProvider"].attrib == {"isEnterprise": "false"}
    assert profile.findtext(f"{XSI}passwordExpiresDays") == "12"


def test_the_profile_of_an_enterprise_user(simulator: SimulatorProcess):
    simulator.load({"enterprises": [{"id": "Acme", "provisioning_id": HOME, "group": "Aarhus"}]})
    load_user(simulator, enterprise="Acme")

    details = simulator.login(USER, PASSWORD, "?format=json").json()["Profile"]["details"]

    assert details["serviceProvider"] == {"$": "Acme", "isEnterprise": "true"}
    assert details["groupId"] == {"$": "Aarhus"}
    assert details["userId"] == {"$": USER}


def test_every_wrong_login_looks_alike(simulator: SimulatorProcess):
    load_user(simulator)
    url = f"{simulator.url}/com.broadsoft.xsi-actions/v2.0/user/{USER}/profile"
    answers = [
        simulator.login(USER, "wrong"),
        simulator.login("nobody@nordictel.example", PASSWORD),
        requests.get(url, timeout=60),
        requests.get(url, auth=("other@nordictel.example", PASSWORD), timeout=60),
        requests.get(url, headers={"Authorization": "Basic %%"}, timeout=60),
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(401, "Unauthorized\n")}


def test_five_failures_in_a_row_lock(simulator: SimulatorProcess):
    load_user(simulator)
    for _ in range(5):
        assert simulator.login(USER, "wrong").status_code == 401

    locked = simulator.login(USER, PASSWORD)

    assert (locked.status_code, locked.text) == (401, "Unauthorized\n")
    assert [line["outcome"] for line in simulator.requests(operation="login")] == [
        *["wrong"] * 5,
        "locked",
    ]


def test_a_success_forgets_failures(simulator: SimulatorProcess):
    load_user(simulator)
    for _ in range(3):
        for _ in range(4):
            simulator.login(USER, "wrong")
        assert simulator.login(USER, PASSWORD).status_code == 200


def test_a_locked_user_can_be_told_so_after_the_right_password(simulator: SimulatorProcess):
    load_user(simulator, locked=True, locked_answer="named")

    assert simulator.login(USER, "wrong").text == "Unauthorized\n"
    told = simulator.login(USER, PASSWORD)

    assert told.status_code == 401
    summary = ElementTree.fromstring(told.content).findtext(f"{XSI}summaryEnglish")
    assert summary == "The user is locked out."


@pytest.mark.parametrize("status", [403, 404])
def test_a_user_may_lack_the_resource(status: int, simulator: SimulatorProcess):
    load_user(simulator, answer_status=status)

    assert simulator.login(USER, PASSWORD).status_code == status
    assert simulator.login(USER, "wrong").status_code == 401


def test_passwords_and_tokens_are_not_logged(simulator: SimulatorProcess):
    load_user(simulator)
    simulator.login(USER, PASSWORD)
    simulator.call("GET", "/broadworks/subscribers", "nordictel-token")

    lines = simulator.requests()

    assert [line["operation"] for line in lines] == ["login", "list"]
    assert lines[0]["user_id"] == USER
    assert PASSWORD not in str(lines)
    assert "nordictel-token" not in str(lines)


ACCEPT = {
    "application/json": True,
    "application/json, application/xml;q=0.5": True,
    "application/xml": False,
    "text/xml, application/json;q=0.9": False,
    "*/*": False,
    "text/html": False,
}


@pytest.mark.parametrize("accept", ACCEPT)
def test_the_form_follows_the_accept_header(accept: str, simulator: SimulatorProcess):
    load_user(simulator)
    user = "%2B4512345678%40nordictel.example"
    url = f"{simulator.url}/com.broadsoft.xsi-actions/v2.0/user/{user}/profile"
    login = HTTPBasicAuth(USER.encode(), PASSWORD.encode())

    answer = requests.get(url, auth=login, headers={"Accept": accept}, timeout=60)

    assert answer.status_code == 200
    is_json = answer.headers["Content-Type"].startswith("application/json")
    assert is_json is ACCEPT[accept]


@pytest.mark.parametrize("user_id", ["a/b@nordictel.example", "/", "a%2Fb%40c", "a b+c?d#e", "😀"])
def test_any_user_id_can_sign_in(user_id: str, simulator: SimulatorProcess):
    load_user(simulator, user_id=user_id)

    assert simulator.login(user_id, PASSWORD).status_code == 200
    assert simulator.login(user_id, PASSWORD, "?format=json").json()["Profile"]
