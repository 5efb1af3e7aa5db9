"""The simulator as a program: restarts, signals, commands, settings from the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import requests

from tests.simulator.conftest import TOKEN, Api, the_cast
from tests.simulator_process import ROOT, SimulatorProcess, running_simulator

USER = "100@nordictel.example"


def simulator_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    program = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_what_is_under_way_survives_a_restart(simulator: SimulatorProcess):
    an_hour = {"SIMULATOR_TIME_SCALE": "1000"}  # a restart may take as long as it likes
    with running_simulator(**an_hour) as first:
        made = Api(first).provision(USER).json()
        assert first.stop() == 0
    with running_simulator(**an_hour) as second:
        assert Api(second).get(made["id"]).json()["status"] == "provisioning"
        second.advance(10_000)

        assert Api(second).get(made["id"]).json()["status"] == "provisioned"


def test_a_scale_of_nothing_ends_everything_at_the_next_read(simulator: SimulatorProcess):
    with running_simulator(SIMULATOR_TIME_SCALE="0") as quick:
        assert Api(quick).provision(USER).json()["status"] == "provisioning"
        assert Api(quick).only(USER)["status"] == "provisioned"


def test_links_bear_the_public_address(simulator: SimulatorProcess):
    with running_simulator(SIMULATOR_PUBLIC_URL="https://webex.example/") as public:
        for number in range(2):
            Api(public).provision(f"{number}@nordictel.example")

        answer = Api(public).list(max=1)

    expected = "https://webex.example/v1/broadworks/subscribers?max=1&cursor="
    assert answer.links["next"]["url"].startswith(expected)


def test_without_a_control_token_there_is_no_control(simulator: SimulatorProcess):
    with running_simulator(control_token="") as closed:
        headers = {"Authorization": "Bearer "}
        url = f"{closed.url}/_control/health"
        assert requests.get(url, headers=headers, timeout=60).status_code == 404
        assert requests.get(f"{closed.url}/healthz", timeout=60).status_code == 200


def test_a_wrong_control_token_is_refused(simulator: SimulatorProcess):
    url = f"{simulator.url}/_control/reset"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}"}):
        assert requests.post(url, headers=headers, timeout=60).status_code == 401


def test_a_world_is_loaded_from_a_file(simulator: SimulatorProcess, tmp_path: Path):
    simulator.reset()
    file = tmp_path / "world.json"
    file.write_text(json.dumps(the_cast()))

    loaded = simulator_command("load", str(file))

    assert loaded.returncode == 0, loaded.stderr
    assert "3 accounts" in loaded.stdout
    assert Api(simulator).list().json() == {"items": []}


def test_a_file_that_makes_no_sense_is_refused(simulator: SimulatorProcess, tmp_path: Path):
    file = tmp_path / "world.json"
    file.write_text('{"subscribers": [{"user_id": "x"}]}')

    refused = simulator_command("load", str(file))

    assert refused.returncode == 1
    assert "subscribers" in refused.stderr
    assert simulator_command("load", str(tmp_path / "none.json")).returncode == 1


def test_the_migrations_are_complete():
    made = simulator_command("makemigrations", "--check")

    assert made.returncode == 0, made.stdout


def test_a_database_of_another_version_says_what_to_do(simulator: SimulatorProcess):
    with psycopg2.connect(os.environ["SIMULATOR_DATABASE_URL"]) as mine, mine.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('simulator', '0006_find_among_many', now())"
        )
        mine.commit()
        try:
            refused = simulator_command("prepare")
        finally:
            cursor.execute("DELETE FROM django_migrations WHERE name = '0006_find_among_many'")
    mine.close()

    assert refused.returncode == 1
    assert "migrations that are not here:\n0006_find_among_many" in refused.stderr
    assert "make reset" in refused.stderr


def test_lost_database_connections_are_replaced(simulator: SimulatorProcess):
    with ThreadPoolExecutor(8) as pool:  # so that every thread of the server has a connection
        list(pool.map(lambda number: Api(simulator).provision(f"{number}@a.example"), range(16)))
    with psycopg2.connect(os.environ["SIMULATOR_DATABASE_URL"]) as mine, mine.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    mine.close()

    for _ in range(16):
        assert len(Api(simulator).user_ids()) == 16
        assert simulator.requests()
