"""The BroadWorks side of control: users, customers, and Integrated IM&P coming and going."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulator.conftest import CUSTOMER, HOME, Api
from tests.simulator.playing import control
from tests.simulator_process import SimulatorProcess

ONE, TWO = "100@nordictel.example", "200@nordictel.example"


def a_user(user_id: str = ONE, **members: Any) -> dict[str, Any]:
    return {"user_id": user_id, "password": "p", "enterprise": CUSTOMER} | members


def users_of(simulator: SimulatorProcess, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = simulator.control("GET", f"broadworks/users?{query}")["items"]
    return found


def save(simulator: SimulatorProcess, *users: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"users": list(users)}
    found: list[dict[str, Any]] = simulator.control("POST", "broadworks/users", body)["users"]
    return found


def test_a_user_is_made_on_the_fly_and_told_a_password(simulator: SimulatorProcess):
    (told,) = save(simulator, {"user_id": ONE, "enterprise": CUSTOMER, "first_name": "Åse"})

    assert told["created"]
    assert simulator.login(ONE, told["password"]).status_code == 200
    (found,) = users_of(simulator)
    assert (found["first_name"], found["provisioning_id"]) == ("Åse", HOME)
    assert "password" not in found


def test_a_user_keeps_what_is_left_out(simulator: SimulatorProcess):
    save(simulator, a_user(first_name="Åse", locked=True))

    (told,) = save(simulator, {"user_id": ONE.upper(), "locked": False})

    assert told == {"user_id": ONE.upper(), "created": False}
    assert simulator.login(ONE, "p").status_code == 200
    assert users_of(simulator)[0]["first_name"] == "Åse"


def test_a_user_saved_without_im_p_disappears(api: Api, simulator: SimulatorProcess):
    save(simulator, a_user(im_p=True))
    assert api.user_ids() == [ONE]

    save(simulator, {"user_id": ONE, "im_p": False})

    assert api.user_ids() == []


def test_im_p_needs_a_provisioning_id(simulator: SimulatorProcess):
    user = a_user(enterprise="nobody's", im_p=True)

    answer = control(simulator, "POST", "broadworks/users", user)

    assert answer.status_code == 400
    assert "nothing can arrive" in answer.json()["message"]


def test_users_can_be_looked_for(simulator: SimulatorProcess):
    save(simulator, a_user(ONE, im_p=True), a_user(TWO, group="Aarhus"))

    assert [user["user_id"] for user in users_of(simulator)] == [ONE, TWO]
    assert [user["user_id"] for user in users_of(simulator, "group=Aarhus")] == [TWO]
    assert [user["user_id"] for user in users_of(simulator, "im_p=true")] == [ONE]
    assert [user["user_id"] for user in users_of(simulator, "q=200@")] == [TWO]
    assert [user["user_id"] for user in users_of(simulator, f"limit=1&after={ONE}")] == [TWO]
    statuses = [user["subscriber_status"] for user in users_of(simulator)]
    assert statuses == ["pending_email_input", None]


def test_customers_are_listed_with_their_users(simulator: SimulatorProcess):
    save(simulator, a_user(ONE, im_p=True), a_user(TWO))

    (customer,) = simulator.control("GET", "broadworks/enterprises")["items"]

    assert (customer["id"], customer["provisioning_id"]) == (CUSTOMER, HOME)
    assert (customer["users"], customer["with_im_p"]) == (2, 1)


def test_im_p_comes_and_goes_for_a_whole_customer_or_group(api: Api, simulator: SimulatorProcess):
    save(simulator, a_user(ONE), a_user(TWO, group="Aarhus"))

    arrived = simulator.control("POST", "broadworks/assign", {"enterprise": CUSTOMER})
    body = {"enterprise": CUSTOMER, "group": "Aarhus"}
    gone = simulator.control("POST", "broadworks/unassign", body)

    assert (arrived, gone) == ({"arrived": 2}, {"disappeared": 1})
    assert api.user_ids() == [ONE]


def test_nobody_is_there_to_be_assigned(simulator: SimulatorProcess):
    answer = control(simulator, "POST", "broadworks/assign", {"enterprise": "nobody's"})

    assert answer.status_code == 400
    assert "nobody is there" in answer.json()["message"]


def test_a_user_arrives_when_the_time_has_come(api: Api, simulator: SimulatorProcess):
    simulator.load({"broadworks_users": [a_user(assign_after_seconds=60)]})
    assert api.user_ids() == []

    simulator.advance(61)

    assert api.only(ONE)["status"] == "pending_email_input"
    assert users_of(simulator)[0]["im_p"]


def test_a_user_leaves_when_the_time_has_come(api: Api, simulator: SimulatorProcess):
    simulator.load({"broadworks_users": [a_user(unassign_after_seconds=60)]})
    assert api.user_ids() == [ONE]

    simulator.advance(61)

    assert api.user_ids() == []
    assert not users_of(simulator)[0]["im_p"]


def test_a_change_keeps_the_time_of_arrival(api: Api, simulator: SimulatorProcess):
    simulator.load({"broadworks_users": [a_user(assign_after_seconds=60)]})

    save(simulator, {"user_id": ONE, "first_name": "Bo"})
    simulator.advance(61)

    assert api.only(ONE)["firstName"] == "Bo"


def test_a_token_ends_when_its_time_is_over(api: Api, simulator: SimulatorProcess):
    entry = {"token": "short", "name": "Nordictel", "region": "eu"}
    simulator.load({"accounts": [entry | {"expires_in_seconds": 60}]})
    assert Api(simulator, "short").list().status_code == 200

    simulator.load({"accounts": [entry | {"expires_in_seconds": -1}]})

    assert Api(simulator, "short").list().status_code == 401
    assert api.list().status_code == 200


WRONG = {
    "repeated_post": "perhaps",
    "unique_key": "yes",
    "provision_seconds": [2],
    "update_seconds": [-1, 2],
    "first_user_seconds": True,
    "time_scale": "fast",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_that_makes_no_sense_is_refused(name: str, simulator: SimulatorProcess):
    account = {"token": "t", "name": "New", "settings": {name: WRONG[name]}}

    answer = control(simulator, "POST", "world", {"accounts": [account]})

    assert answer.status_code == 400
    assert f"setting {name} cannot be" in answer.json()["message"]


def test_a_misspelt_member_is_refused(simulator: SimulatorProcess):
    answer = control(simulator, "POST", "world", {"broadworks_users": [a_user(pasword="x")]})

    assert answer.status_code == 400
    assert "broadworks_users: entry 1: unknown members: pasword" in answer.json()["message"]


def test_a_user_is_deleted_with_login_and_subscriber(api: Api, simulator: SimulatorProcess):
    save(simulator, a_user(ONE, im_p=True), a_user(TWO, group="Aarhus"))
    assert simulator.control("GET", "broadworks/enterprises")["items"][0]["groups"] == ["Aarhus"]

    done = simulator.control("DELETE", "broadworks/users", {"user_id": ONE})

    assert done == {"deleted": 1, "disappeared": 1}
    assert api.user_ids() == []
    assert simulator.login(ONE, "p").status_code == 401
    assert [user["user_id"] for user in users_of(simulator)] == [TWO]


def test_many_readers_see_everybody_arrive_once(api: Api, simulator: SimulatorProcess):
    users = [a_user(f"{number}@nordictel.example", assign_after_seconds=0) for number in range(40)]
    simulator.load({"broadworks_users": users})

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: len(Api(simulator).user_ids(max=100)), range(16)))

    assert counts == [40] * 16
    assert len(set(api.user_ids(max=100))) == 40
