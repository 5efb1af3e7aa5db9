"""Played through the API, each scenario tells its story."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.simulator.conftest import Api, codes
from tests.simulator.playing import body_of, by_local_part, everybody, now, play, retry
from tests.simulator_process import SimulatorProcess


def statuses(api: Api) -> set[str]:
    return {user["status"] for user in everybody(api)}


def login_of(answer: dict[str, Any], local_part: str) -> dict[str, str]:
    (found,) = (item for item in answer["logins"] if item["user_id"].startswith(local_part))
    return found


def test_first_day_the_first_user_is_slow(api: Api, simulator: SimulatorProcess):
    answer = play(simulator, "first-day")
    user = by_local_part(api)["4571100100"]
    login = login_of(answer, "4571100100")
    assert answer["template"]["provision_admin_first"]
    assert simulator.login(login["user_id"], login["password"]).status_code == 200

    retry(api, user, email=login["email"])
    simulator.advance(60)
    assert now(api, user)["status"] == "provisioning"
    simulator.advance(31)

    assert now(api, user)["status"] == "provisioned"


def test_first_day_users_arrive_over_minutes(api: Api, simulator: SimulatorProcess):
    play(simulator, "first-day")
    counts = [len(everybody(api))]
    for _ in range(4):
        simulator.advance(150)
        counts.append(len(everybody(api)))

    assert counts == sorted(set(counts))
    assert counts[-1] - counts[0] == 29


def test_first_day_every_login_does_what_it_is_said_to(api: Api, simulator: SimulatorProcess):
    answer = play(simulator, "first-day")
    simulator.advance(700)
    users = by_local_part(api)
    outcomes = {}
    for login in answer["logins"]:
        outcome = "ok"
        signed_in = simulator.login(login["user_id"], login["password"])
        if signed_in.status_code == 401:
            outcome = "200018" if "locked out" in signed_in.text else "100006"
        elif user := users.get(login["user_id"].partition("@")[0]):
            checked = api.precheck(**body_of(user, email=login["email"]))
            outcome = "ok" if checked.ok else str(codes(checked)[0])
        outcomes[login["user_id"]] = outcome

    assert outcomes == {login["user_id"]: login["expect"] for login in answer["logins"]}
    assert {"ok", "100006", "200018", "200039", "200042"} == set(outcomes.values())
    invited = {user["userId"] for user in users.values()}
    (uninvited,) = outcomes.keys() - invited
    assert uninvited.startswith("4571200208")


def test_mail_settings_a_retry_cures_fifty_and_four_stay(api: Api, simulator: SimulatorProcess):
    play(simulator, "mail-settings-wrong")
    failed = everybody(api, status="error")
    assert len(failed) == 54
    assert len({user["errors"][0]["description"] for user in failed}) == 1

    for user in failed:
        assert retry(api, user).status_code == 200
    simulator.advance(30)

    left = everybody(api, status="error")
    assert len(everybody(api, status="provisioned")) == 51
    found = sorted(user["errors"][0].get("errorCode", 0) for user in left)
    assert found == [0, 200039, 200041, 200048]


def test_admin_first_two_customers_have_nobody_yet(api: Api, simulator: SimulatorProcess):
    answer = play(simulator, "admin-first")
    waiting = {user["spEnterpriseId"] for user in everybody(api, status="pending_email_input")}
    active = {user["spEnterpriseId"] for user in everybody(api, status="provisioned")}
    assert len(waiting - active) == 2

    sebnem = by_local_part(api)["4598300100"]
    assert codes_of(sebnem) == [200045]
    retry(api, sebnem)
    simulator.advance(10)
    assert codes_of(now(api, sebnem)) == [200045]
    retry(api, sebnem, email=sebnem["email"].replace("old-job", "anadolu-import"))
    simulator.advance(10)

    assert now(api, sebnem)["status"] == "provisioned"
    assert [login["expect"] for login in answer["logins"]].count("PH-ADMIN-FIRST") == 2


def codes_of(user: dict[str, Any]) -> list[int | None]:
    return [error.get("errorCode") for error in user["errors"]]


def test_moving_consumers_consent_moves_all_but_one(api: Api, simulator: SimulatorProcess):
    play(simulator, "moving-consumers")
    waiting = everybody(api, status="pending_user_migration")
    assert len(waiting) == 4
    stubborn = by_local_part(api)["34911700190"]

    for user in waiting:
        (mail,) = simulator.mails(user["email"])
        if user != stubborn:
            assert requests.post(mail["link"], timeout=60).status_code == 200
    simulator.advance(30)

    assert everybody(api, status="pending_user_migration") == [stubborn]
    again = api.call("POST", f"/subscribers/{stubborn['id']}/emails/consentMove")
    assert again.status_code == 204
    assert len(simulator.mails(stubborn["email"])) == 2


def test_moving_consumers_needs_the_organisation_first(api: Api, simulator: SimulatorProcess):
    play(simulator, "moving-consumers")
    users = by_local_part(api)
    noah, olivia = users["4531900102"], users["4531900101"]

    retry(api, noah)
    simulator.advance(30)
    assert now(api, noah)["errors"] == noah["errors"]
    retry(api, olivia, email="olivia@lumen-optik.example")
    simulator.advance(30)
    retry(api, noah)
    simulator.advance(30)

    assert now(api, noah)["status"] == "pending_user_migration"


def test_twins_are_refused_until_one_is_deleted(api: Api, simulator: SimulatorProcess):
    play(simulator, "twins-and-strangers")
    twins = [user for user in everybody(api) if user["userId"].startswith("4533700101")]
    failed, waiting = sorted(twins, key=lambda user: user["status"])
    assert codes(retry(api, failed)) == [200047]

    api.remove(waiting["id"])
    retry(api, failed)
    simulator.advance(30)

    assert now(api, failed)["status"] == "provisioned"


def test_strangers_show_what_nobody_documented(api: Api, simulator: SimulatorProcess):
    answer = play(simulator, "twins-and-strangers")
    users = by_local_part(api)
    assert users["4533700104"]["status"] == "pending_license_review"
    assert codes_of(users["4533700105"]) == [999901]
    assert codes(retry(api, users["4533700102"])) == [200046]

    dan = login_of(answer, "4420700101")
    profile = simulator.login(dan["user_id"], dan["password"], "?format=json").json()["Profile"]
    customer = profile["details"]["serviceProvider"]["$"]
    refused = api.provision(dan["user_id"], provisioningId="rehearsal", spEnterpriseId=customer)

    assert codes(refused) == [200050]


@pytest.mark.parametrize(("local_part", "code"), [("48221000101", 200054), ("33140000101", 200040)])
def test_no_address_helps_a_wrong_configuration(
    local_part: str, code: int, api: Api, simulator: SimulatorProcess
):
    play(simulator, "twins-and-strangers")
    user = by_local_part(api)[local_part]

    retry(api, user, email="new@zamek.example")
    simulator.advance(30)

    assert codes_of(now(api, user)) == [code]


def test_premium_runs_out_for_five_minutes(api: Api, simulator: SimulatorProcess):
    play(simulator, "package-changes")
    one, two, *_ = everybody(api, status="provisioned")
    assert api.update(one["id"], package="premium").json()["status"] == "updating"

    simulator.advance(70)
    url = f"/broadworks/subscribers/{two['id']}"
    refused = simulator.call("PUT", url, api.token, json={"package": "premium"})
    other = api.update(two["id"], package="standard")
    simulator.advance(300)

    assert refused.status_code == 409
    assert "premium" in refused.json()["message"]
    assert other.json()["status"] == "updating"
    assert api.update(two["id"], package="premium").json()["status"] == "updating"


def test_a_customer_leaves_and_the_other_stays(api: Api, simulator: SimulatorProcess):
    play(simulator, "end-of-a-customer")
    assert len(everybody(api)) == 24

    simulator.advance(100)
    half = len(everybody(api))
    simulator.advance(100)

    assert 6 < half < 24
    assert len(everybody(api)) == 6
    assert {user["spEnterpriseId"].partition("-")[0] for user in everybody(api)} == {"Solvang"}
