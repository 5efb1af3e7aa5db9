"""Every scenario loads, starts anew and keeps to itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import bidirectional, category

import pytest

from simulator import kinds, scenario_files
from simulator.scenario_files import ScenarioError
from tests.simulator.conftest import FOREIGN, FOREIGN_HOME, HOME, TOKEN, Api, a_subscriber
from tests.simulator.playing import control, everybody, play
from tests.simulator.test_broadworks import users_of
from tests.simulator_process import SimulatorProcess

NAMES = scenario_files.names()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_right(name: str):
    scenario = scenario_files.read(name)

    assert scenario.story.endswith(".")
    assert all(line.endswith(".") for line in scenario.watch)
    assert {fault.get("kind", "") for fault in scenario.faults} <= {"", *kinds.KINDS}


def test_what_a_partner_rehearses_is_there(simulator: SimulatorProcess):
    items = simulator.control("GET", "scenarios")["items"]

    wanted = {"first-day", "mail-settings-wrong", "admin-first", "moving-consumers", "bad-night"}
    assert wanted <= {item["name"] for item in items}
    assert all(item["title"] and item["description"] and item["watch"] for item in items)


@pytest.mark.parametrize("name", NAMES)
def test_loaded_twice_it_starts_anew_and_touches_nobody_else(
    name: str, api: Api, simulator: SimulatorProcess
):
    simulator.load({"subscribers": [a_subscriber("900@nordictel.example")]})
    first = play(simulator, name)
    before = {(item["userId"], item["spEnterpriseId"]): item for item in everybody(api)}
    api.remove(next(iter(before.values()))["id"])
    live = simulator.control("GET", "faults")["items"]

    second = play(simulator, name)

    assert second == first
    assert len(simulator.control("GET", "faults")["items"]) == len(live) == first["faults"]
    after = {(item["userId"], item["spEnterpriseId"]): item for item in everybody(api)}
    assert after.keys() == before.keys()
    assert not {item["id"] for item in after.values()} & {item["id"] for item in before.values()}
    assert api.user_ids(provisioningId=HOME) == ["900@nordictel.example"]


def test_under_two_provisioning_ids_it_is_played_twice(api: Api, simulator: SimulatorProcess):
    one = play(simulator, "admin-first")
    other = play(simulator, "admin-first", provisioning_id="another")

    users = {item["userId"] for item in everybody(api)}
    others = {item["userId"] for item in everybody(api, provisioningId="another")}
    assert len(users) == len(others) > 0
    assert not users & others
    assert one["logins"] != other["logins"]


def test_the_one_that_is_played_is_marked(simulator: SimulatorProcess):
    answer = play(simulator, "bad-night")

    running = simulator.control("GET", "rehearsal")
    assert running["running"]
    assert running["scenario"]["name"] == "bad-night"
    assert len(running["faults"]) == answer["faults"] > 0
    assert {fault["scenario"] for fault in running["faults"]} == {"bad-night"}


def test_another_scenario_ends_the_faults_of_the_one_before(simulator: SimulatorProcess):
    play(simulator, "bad-night")
    simulator.fault(status=500, contains="set by hand")

    play(simulator, "admin-first")

    (left,) = simulator.control("GET", "faults")["items"]
    assert left["contains"] == "set by hand"


def test_pace_stretches_every_time(simulator: SimulatorProcess):
    play(simulator, "package-changes")
    (usual,) = simulator.control("GET", "faults")["items"]
    play(simulator, "package-changes", pace=0.1)
    (quick,) = simulator.control("GET", "faults")["items"]

    assert lasting(usual) == pytest.approx(300, abs=0.1)
    assert lasting(quick) == pytest.approx(30, abs=0.1)


def lasting(fault: dict[str, Any]) -> float:
    starts, ends = (datetime.fromisoformat(fault[name]) for name in ("starts_at", "ends_at"))
    return (ends - starts).total_seconds()


REFUSED = {
    "no token": ("admin-first", {"token": ""}, "token is missing"),
    "unknown token": ("admin-first", {"token": "nonsense"}, "belongs to no account"),
    "no provisioning ID": ("admin-first", {"provisioning_id": ""}, "provisioning_id is missing"),
    "another's": ("admin-first", {"provisioning_id": FOREIGN_HOME}, "belongs to another account"),
    "unknown scenario": ("nonsense", {}, "there are: admin-first"),
    "a path": ("..%2Fscenarios%2Fadmin-first", {}, "there is no scenario"),
    "pace": ("admin-first", {"pace": -1}, "pace is a factor"),
    "no number": ("admin-first", {"pace": "slow"}, "pace: a number"),
    "misspelt": ("admin-first", {"paces": 1}, "unknown members: paces"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_words(case: str, api: Api, simulator: SimulatorProcess):
    name, members, words = REFUSED[case]
    body = {"token": TOKEN, "provisioning_id": "rehearsal"} | members

    answer = control(simulator, "POST", f"scenarios/{name}", body)

    assert answer.status_code in {400, 404}
    if answer.status_code == 400:
        assert words in answer.json()["message"]
    assert users_of(simulator) == []


def test_a_scenario_of_a_foreign_account_stays_there(api: Api, simulator: SimulatorProcess):
    play(simulator, "admin-first", token=FOREIGN, provisioning_id="theirs")

    assert api.list(max=100).json()["items"] == []


HEAD = 'title = "t"\nstory = "s."\nwatch = ["w."]\npassword = "p"\n[[enterprises]]\nid = "E"\n'
PERSON = '[[people]]\nenterprise = "E"\nuser_id = "1@e.example"\n'
WRONG = {
    "not TOML": ("title = ", "Invalid value"),
    "no title": (HEAD.replace('"t"', '""'), "missing: title"),
    "unknown section": (HEAD + "[nonsense]\n", "unknown sections: nonsense"),
    "unknown setting": (HEAD + "[template]\nfoo = 1\n", "unknown settings: foo"),
    "wrong mode": (HEAD + "[template]\nenterprise_mode = false\n", "E: a group (provider+group)"),
    "unknown member": (HEAD + PERSON + "nick_name = 1\n", "unknown members: nick_name"),
    "unknown customer": (HEAD + PERSON.replace('"E"', '"F"'), "no such enterprise: F"),
    "twice": (HEAD + PERSON * 2, "two people have the user_id"),
    "real domain": (HEAD + PERSON.replace(".example", ".com"), "end in .example"),
    "no user ID": (HEAD + '[[people]]\nenterprise = "E"\n', "missing: user_id"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_words(case: str, tmp_path: Path):
    text, words = WRONG[case]
    (tmp_path / "mine.toml").write_text(text)

    with pytest.raises(ScenarioError) as raised:
        scenario_files.read("mine", tmp_path)

    assert words in str(raised.value)
    assert "mine.toml" in str(raised.value)


def test_the_manuals_own_scenario_is_right(tmp_path: Path):
    manual = Path(scenario_files.FOLDER.parent, "README.md").read_text()
    (example,) = (part for part in manual.split("```toml\n")[1:])
    (tmp_path / "two-come-late.toml").write_text(example.partition("```")[0])

    scenario = scenario_files.read("two-come-late", tmp_path)

    assert len(scenario.people) == 13
    assert scenario.people[-1]["user_id"] == "4571100112@fjord-byg.example"
    assert [person["assign_after_seconds"] for person in scenario.people[1:3]] == [30, 70]


def test_names_are_international(simulator: SimulatorProcess):
    for name in NAMES:
        people = scenario_files.read(name).people
        letters = "".join(person["first_name"] + person["last_name"] for person in people)
        assert set("æøåÆØÅ") & set(letters), name
    everyone = [person for name in NAMES for person in scenario_files.read(name).people]
    directions = {bidirectional(person["first_name"][0]) for person in everyone}
    assert {"L", "R", "AL"} <= directions
    assert any(category(letter) == "So" for p in everyone for letter in p["first_name"])


def test_started_anew_while_others_are_at_work(api: Api, simulator: SimulatorProcess):
    play(simulator, "mail-settings-wrong")

    def work(number: int) -> str:
        if number % 4 == 0:
            return str(play(simulator, "mail-settings-wrong")["name"])
        user = everybody(Api(simulator))[number]
        answer = simulator.call("DELETE", f"/broadworks/subscribers/{user['id']}", TOKEN)
        return str(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(24)))

    assert set(done) <= {"mail-settings-wrong", "204", "404"}
    play(simulator, "mail-settings-wrong")
    assert len(everybody(api)) == 55
