"""The generator: many subscribers that nobody can tell from others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from simulator.errors import BACKEND_DOWN, CISCO_TEXTS
from simulator.fake_subscribers import USUAL_STATUSES, Population
from tests.simulator.conftest import HOME, SECOND_HOME, TOKEN, Api
from tests.simulator_process import ROOT, SimulatorProcess

OWN_STATUS = Path("/proc/self/status")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def a_population(**members: Any) -> Population:
    usual = {"subscribers": 1000, "enterprises": 25, "seed": "1", "now": NOW}
    usual |= {"provider": "Nordictel", "provisioning_ids": [HOME], "statuses": USUAL_STATUSES}
    return Population(**(usual | members))


def generate(simulator: SimulatorProcess, count: int, **members: Any) -> dict[str, Any]:
    wish = {"token": TOKEN, "provisioning_id": HOME, "subscribers": count}
    return simulator.control("POST", "generate", wish | members)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "simulator", "generate", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def database() -> Iterator[Any]:
    connection = psycopg2.connect(os.environ["SIMULATOR_DATABASE_URL"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def select(sql: str) -> list[tuple[Any, ...]]:
    with database() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def everyone(api: Api) -> list[dict[str, Any]]:
    answer = api.list(max=100)
    items = list(answer.json()["items"])
    while "next" in answer.links:
        path = answer.links["next"]["url"].partition("/v1")[2]
        answer = api.call("GET", path)
        items += answer.json()["items"]
    return items


def test_the_same_seed_makes_the_same_people():
    people, again, others = a_population(), a_population(), a_population(seed="2")

    assert [people.person(n) for n in range(50)] == [again.person(n) for n in range(50)]
    assert {people.person(n).uid for n in range(50)}.isdisjoint(
        others.person(n).uid for n in range(50)
    )


def test_a_second_run_from_nothing_gives_the_same_rows(simulator: SimulatorProcess, api: Api):
    columns = "uid, user_id, email, package, status, errors, sp_enterprise_id, person_uid"
    rows = f"SELECT {columns} FROM simulator_subscriber ORDER BY id"
    generate(simulator, 300)
    first = select(rows)
    select("DELETE FROM simulator_subscriber RETURNING 1")

    generate(simulator, 300)

    assert len(first) == 300
    assert select(rows) == first


def test_nobody_has_anothers_identifiers():
    people = [a_population().person(n) for n in range(1000)]
    people += [a_population(seed="2").person(n) for n in range(1000)]
    people += [a_population(provisioning_ids=[SECOND_HOME]).person(n) for n in range(1000)]

    for name in ("uid", "user_id"):
        assert len({getattr(person, name) for person in people}) == len(people)
    addresses = [person.email for person in people if person.email]
    assert len(set(addresses)) == len(addresses)
    assert all(address.isascii() for address in addresses)
    assert any("ø" in person.last_name for person in people)


def test_a_customer_has_one_provisioning_id(simulator: SimulatorProcess):
    generate(simulator, 400, provisioning_id="", provisioning_ids=[HOME, SECOND_HOME])

    pairs = select("SELECT DISTINCT sp_enterprise_id, provisioning_id FROM simulator_subscriber")
    assert len(pairs) == 10
    assert {home for _, home in pairs} == {HOME, SECOND_HOME}
    known = select("SELECT sp_enterprise_id, provisioning_id FROM simulator_enterprise")
    assert set(pairs) <= set(known)


def test_as_many_customers_as_wanted(simulator: SimulatorProcess):
    generate(simulator, 200, enterprises=7)

    found = select("SELECT count(DISTINCT sp_enterprise_id) FROM simulator_subscriber")
    assert found == [(7,)]


def test_the_usual_statuses_come_in_their_usual_shares():
    population = a_population(subscribers=8000)

    found = Counter(population.person(n).status for n in range(8000))

    assert found.keys() == USUAL_STATUSES.keys()
    for status, share in USUAL_STATUSES.items():
        assert abs(found[status] / 8 - share) < 4 * (share * 1000 / 8000) ** 0.5 + 1


def test_statuses_as_wanted(simulator: SimulatorProcess):
    generate(simulator, 200, statuses={"error": 1, "pending_email_input": 1})

    found = dict(select("SELECT status, count(*) FROM simulator_subscriber GROUP BY 1"))
    assert found.keys() == {"error", "pending_email_input"}
    assert min(found.values()) > 60


def test_all_answer_as_the_document_says(simulator: SimulatorProcess, api: Api):
    """Every answer that `Api` gets is held against the published document."""
    generate(simulator, 500, statuses=dict.fromkeys(USUAL_STATUSES, 1))

    items = everyone(api)

    assert len(items) == 500
    assert {item["status"] for item in items} == USUAL_STATUSES.keys()
    for item in items[::50]:
        assert api.get(item["id"]).json() == item


def test_each_status_brings_what_belongs_to_it(simulator: SimulatorProcess, api: Api):
    generate(simulator, 300, statuses=dict.fromkeys(USUAL_STATUSES, 1))
    known = {**dict.fromkeys(CISCO_TEXTS.values()), BACKEND_DOWN: None}

    for item in everyone(api):
        assert ("personId" in item) == (item["status"] == "provisioned")
        assert ("email" in item) == (item["status"] != "pending_email_input")
        assert ("errors" in item) == (item["status"] == "error")
        assert all(error["description"] in known for error in item.get("errors", []))
        assert re.fullmatch(r"\+\d{9,15}", item.get("primaryPhoneNumber", "+123456789"))
        assert "primaryPhoneNumber" in item or "extension" in item
        assert item["created"] <= item["lastStatusChange"]


def test_the_newest_come_first_and_the_oldest_are_a_year_old(api: Api, simulator: SimulatorProcess):
    generate(simulator, 250)

    created = [datetime.fromisoformat(item["created"]) for item in everyone(api)]

    assert created == sorted(created, reverse=True)
    age = datetime.now(UTC) - created[-1]
    assert timedelta(days=360) < age < timedelta(days=366)


def test_what_is_under_way_ends(api: Api, simulator: SimulatorProcess):
    generate(simulator, 40, statuses={"provisioning": 1, "updating": 1})
    simulator.advance(3600)

    assert {item["status"] for item in everyone(api)} == {"provisioned"}


def test_who_has_to_consent_has_a_mail(api: Api, simulator: SimulatorProcess):
    generate(simulator, 20, statuses={"pending_user_migration": 1})

    item = everyone(api)[0]
    (mail,) = simulator.mails(to=item["email"])
    assert mail["subscriber_id"] == item["id"]


def test_a_failed_one_can_be_tried_again(api: Api, simulator: SimulatorProcess):
    generate(simulator, 10, statuses={"error": 1})
    item = everyone(api)[0]
    names = ("userId", "spEnterpriseId", "firstName", "lastName", "package", "provisioningId")

    again = api.provision(**{name: item[name] for name in names}, user_id=item["userId"])

    assert again.json()["id"] == item["id"]
    assert again.json()["status"] == "provisioning"


def test_the_telephony_logins_work(api: Api, simulator: SimulatorProcess):
    generate(simulator, 20, password="from the generator")
    item = everyone(api)[0]

    assert simulator.login(item["userId"], "from the generator").status_code == 200
    assert simulator.login(item["userId"], "another").status_code == 401


def test_a_repeated_run_adds_nothing(simulator: SimulatorProcess, api: Api):
    assert generate(simulator, 120, password="secret") == {"made": 120, "were_there": 0}
    before = everyone(api)

    assert generate(simulator, 120, password="secret") == {"made": 0, "were_there": 120}
    assert everyone(api) == before
    counted = "SELECT count(*) FROM simulator_broadworks_user"
    assert select(counted) == [(120,)]


def test_a_run_that_was_cut_short_goes_on(simulator: SimulatorProcess, api: Api):
    generate(simulator, 120)
    whole = {item["id"] for item in everyone(api)}
    select("DELETE FROM simulator_subscriber WHERE user_key LIKE '%7@%' RETURNING 1")
    left = len(everyone(api))

    assert 0 < left < 120
    assert generate(simulator, 120) == {"made": 120 - left, "were_there": left}
    assert {item["id"] for item in everyone(api)} == whole


def test_a_larger_run_keeps_who_is_there(simulator: SimulatorProcess, api: Api):
    generate(simulator, 100, password="secret")

    assert generate(simulator, 300, password="secret") == {"made": 200, "were_there": 100}
    orphans = (
        "SELECT count(*) FROM simulator_broadworks_user u WHERE NOT EXISTS"
        " (SELECT 1 FROM simulator_subscriber s WHERE s.user_key = u.user_key)"
    )
    assert select(orphans) == [(0,)]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"subscribers": 100_001}, "python -m simulator generate --subscribers 100001"),
        ({"subscribers": 0}, "subscribers: 1 to"),
        ({"token": "nobody's"}, "no account has this token"),
        ({"provisioning_id": "unknown"}, "Nordictel has no provisioning ID unknown"),
        ({"statuses": {"happy": 1}}, "statuses: unknown happy"),
        ({"statuses": {"error": 0}}, "statuses: shares above 0"),
        ({"enterprises": -1}, "enterprises: "),
        ({"packages": 1}, "unknown members: packages"),
    ],
)
def test_what_makes_no_sense_is_refused(
    simulator: SimulatorProcess, members: dict[str, Any], words: str
):
    with pytest.raises(AssertionError, match=re.escape(words)):
        generate(simulator, 10, **members)

    assert select("SELECT count(*) FROM simulator_subscriber") == [(0,)]


def test_the_command_makes_an_account_where_none_is_named(simulator: SimulatorProcess):
    done = command("--subscribers", "60", "--statuses", "provisioned=1")

    assert done.returncode == 0, done.stderr
    assert "made 60 subscribers" in done.stdout
    assert "60 of 60" in done.stderr
    assert len(everyone(Api(simulator, "generated"))) == 60


def test_the_command_refuses_with_words(simulator: SimulatorProcess):
    refused = command("--subscribers", "60", "--token", "nobody's")

    assert refused.returncode == 1
    assert refused.stderr == "no account has this token\n"


@pytest.mark.long
@pytest.mark.skipif(not OWN_STATUS.exists(), reason="only /proc tells a process's own peak")
def test_memory_does_not_grow_with_the_number(simulator: SimulatorProcess):
    few, many = peak_of(5_000), peak_of(20_000)

    assert many - few < 8_000  # 15,000 rows kept are 15,000 kB


def peak_of(count: int) -> int:
    """Return the largest resident size, in kB, of a process that generates so many.

    Not by getrusage: what that tells begins with the size of the process that forked.
    """
    code = (
        "from simulator.__main__ import main;"
        f"main(['generate', '--subscribers', '{count}', '--seed', '{count}']);"
        f"print(open('{OWN_STATUS}').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB$", done.stdout, re.MULTILINE)
    return int(peak)
