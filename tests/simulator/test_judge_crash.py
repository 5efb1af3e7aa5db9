"""What the judge knows after the power went: of the simulator, or of its database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests

from partnerhub.local import databases
from partnerhub.local.servers import Postgres
from tests.simulator.conftest import TOKEN, a_body, a_subscriber, the_cast
from tests.simulator.judging import USER, look, post
from tests.simulator_process import SimulatorProcess, running_simulator

BEARER = {"Authorization": f"Bearer {TOKEN}"}
CLIENTS = 16
MADE = "SELECT user_id FROM simulator_subscriber ORDER BY user_id"
LOGGED = """
    SELECT user_id FROM simulator_request WHERE effect AND change = 'created'
    AND run = (SELECT run FROM simulator_state) ORDER BY user_id
"""


def rows(sql: str, url: str = "") -> list[tuple[Any, ...]]:
    address = url or os.environ["SIMULATOR_DATABASE_URL"]
    with closing(psycopg2.connect(address)) as database, database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


class Crowd:
    """Clients that make one subscriber after the other until their backend is gone."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self.url = f"{simulator.url}/v1/broadworks/subscribers"
        self.answered: list[str] = []
        self.asked: list[str] = []
        self.has_begun = threading.Event()

    def run(self, number: int) -> None:
        with requests.Session() as http:
            for count in range(1000):
                user_id = f"{number}-{count}@nordictel.example"
                self.asked.append(user_id)
                try:
                    answer = http.post(self.url, json=a_body(user_id), headers=BEARER, timeout=60)
                except requests.RequestException:
                    return
                assert answer.ok, answer.text
                self.answered.append(user_id)
                if len(self.answered) > 5 * CLIENTS:
                    self.has_begun.set()


def test_no_effect_without_a_line_and_no_line_without_effect_after_a_kill(
    simulator: SimulatorProcess,
):
    with running_simulator() as doomed, ThreadPoolExecutor(CLIENTS) as pool:
        crowd = Crowd(doomed)
        clients = [pool.submit(crowd.run, number) for number in range(CLIENTS)]
        assert crowd.has_begun.wait(100)
        doomed.kill()
        for client in clients:
            client.result(20)
    until_database_is_quiet()

    made, logged = rows(MADE), rows(LOGGED)

    assert made == logged  # one line each, and each exactly once
    assert {(user_id,) for user_id in crowd.answered} <= set(made)
    assert len(made) <= len(crowd.asked)
    verdict = simulator.judge()
    assert verdict["right"]
    assert verdict["effects"]["count"] == len(made)
    lines = {line["user_id"]: line["answer"] for line in simulator.requests(limit="1000")}
    # Nobody can know of the last ones; what is known is true.
    assert set(lines.values()) <= {"sent", "unknown"}
    assert {user for user, answer in lines.items() if answer == "sent"} <= set(crowd.asked)


def until_database_is_quiet() -> None:
    """Wait until PostgreSQL has ended what the killed process had begun."""
    others = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
    """
    end = time.monotonic() + 100
    while rows(others) != [(0,)]:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def postgres(server_folder: Path) -> Iterator[Postgres]:
    server = Postgres(server_folder)
    server.start(server_folder / "postgres.log")
    yield server
    server.stop(at_once=True)


def test_a_database_that_goes_away_and_comes_back_loses_nothing(postgres: Postgres):
    url = databases.ensure(postgres.url, "simulator")
    with running_simulator(SIMULATOR_DATABASE_URL=url) as simulator:
        simulator.load(the_cast())
        assert post(simulator, "1@nordictel.example").ok
        simulator.fault(operation="provision", delay_after_ms=1500)
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(late_post, simulator)
            until_made(url, 2)
            postgres.stop(at_once=True)
            assert late.result().ok  # its mark has to wait
        assert look(simulator).status_code == 503
        postgres.start(postgres.folder / "postgres.log")
        assert post(simulator, "3@nordictel.example").ok

        made = simulator.requests(change="created")

    assert [line["user_id"][0] for line in made] == ["1", "2", "3"]
    assert rows(MADE, url) == rows(LOGGED, url)
    # A mark that was written but not yet on disk may go with the server; one that waited may not.
    assert made[0]["answer"] in {"sent", "unknown"}
    assert [line["answer"] for line in made[1:]] == ["sent", "sent"]


def test_a_request_that_loses_its_connection_half_way_has_a_line(simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="error")]})
    with closing(psycopg2.connect(os.environ["SIMULATOR_DATABASE_URL"])) as mine:
        mine.cursor().execute("SELECT 1 FROM simulator_subscriber FOR UPDATE")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(post, simulator)
            until_cut()
            answer = asked.result()

    (line,) = simulator.requests()

    assert (answer.status_code, line["status"], line["operation"]) == (503, 503, "provision")
    assert line["tracking_id"] == answer.headers["TrackingID"]
    assert (line["effect"], line["answer"]) == (False, "sent")


def until_cut() -> None:
    """Cut the connection of whoever waits for our lock."""
    cut = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    end = time.monotonic() + 100
    while not rows(cut):
        assert time.monotonic() < end
        time.sleep(0.02)


def late_post(simulator: SimulatorProcess) -> requests.Response:
    url = f"{simulator.url}/v1/broadworks/subscribers"
    return requests.post(url, json=a_body("2@nordictel.example"), headers=BEARER, timeout=30)


def until_made(url: str, count: int) -> None:
    end = time.monotonic() + 100
    while len(rows(MADE, url)) < count:
        assert time.monotonic() < end
        time.sleep(0.02)
