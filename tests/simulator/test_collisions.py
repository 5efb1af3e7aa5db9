"""Requests that get in each other's way: deadlocks, and a reset under somebody's feet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from requests import Response

from tests.simulator.conftest import SECOND_HOME, Api, a_subscriber
from tests.simulator_process import SimulatorProcess

LOCK = "SELECT 1 FROM simulator_subscriber WHERE user_id = %s FOR UPDATE"
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
FIRST, SECOND = "1@nordictel.example", "2@nordictel.example"


def advance(api: Api) -> Any:
    return api.simulator.control("POST", "advance", {"seconds": 1})


def look(api: Api) -> Response:
    answer = api.list()
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("work", [look, advance])
def test_a_request_that_loses_a_deadlock_succeeds_all_the_same(
    work: Callable[[Api], Any], api: Api, simulator: SimulatorProcess
):
    simulator.load({"subscribers": [a_subscriber(user) for user in (FIRST, SECOND)]})
    for user in (FIRST, SECOND):
        api.update(api.only(user)["id"], package="premium")
    if work is look:
        simulator.advance(60)  # both are due: a list locks the first, then the second
    url = os.environ["SIMULATOR_DATABASE_URL"]
    with (
        closing(psycopg2.connect(url)) as mine,
        ThreadPoolExecutor(1) as pool,
        mine.cursor() as own,
    ):
        own.execute("SET deadlock_timeout = '1h'")  # the simulator's side notices first, and loses
        own.execute(LOCK, [SECOND])
        answer = pool.submit(work, api)
        until_waiting(url)
        own.execute(LOCK, [FIRST])
        mine.commit()

        answer.result(30)

    assert simulator.judge()["right"]


def test_a_request_whose_world_is_taken_away_meanwhile_is_told_to_try_again(
    api: Api, simulator: SimulatorProcess
):
    url = os.environ["SIMULATOR_DATABASE_URL"]
    with (
        closing(psycopg2.connect(url)) as mine,
        ThreadPoolExecutor(1) as pool,
        mine.cursor() as own,
    ):
        own.execute("DELETE FROM simulator_provisioning WHERE id = %s", [SECOND_HOME])
        members = {"provisioningId": SECOND_HOME, "spEnterpriseId": "Nordictel+new"}
        answer = pool.submit(lambda: api.provision(FIRST, **members))
        until_waiting(url)
        mine.commit()

        assert answer.result(30).status_code == 503

    assert api.user_ids() == []
    assert simulator.requests()[-2]["effect"] is False


def until_waiting(url: str) -> None:
    """Return once somebody waits for a lock."""
    end = time.monotonic() + 100
    with closing(psycopg2.connect(url)) as watching, watching.cursor() as cursor:
        watching.autocommit = True
        while time.monotonic() < end:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")
