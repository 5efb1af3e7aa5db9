from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common.http import Timeout
from tests.contract import document
from tests.simulator_process import SimulatorProcess, running_simulator
from webex.client import WebexClient

TOKEN = "contract-token"
PROVISIONING_ID, SECOND_ID = "contract-template", "contract-second-template"
CUSTOMER = "Nordictel+acme"
LOGIN, PASSWORD = "4570101010@nordictel.example", "Sommer-2026-Ø"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == document.HERE:
            item.add_marker(pytest.mark.contract)


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: SimulatorProcess) -> SimulatorProcess:
    running.reset()
    running.load(the_world())
    return running


@pytest.fixture
def client(simulator: SimulatorProcess) -> WebexClient:
    return a_client(simulator)


def a_client(simulator: SimulatorProcess, *, token: str = TOKEN, total: float = 15) -> WebexClient:
    return WebexClient(
        f"{simulator.url}/v1", token, timeout=Timeout(3, total), trusted_hosts=["127.0.0.1"]
    )


def the_world(**settings: Any) -> dict[str, Any]:
    account = {"token": TOKEN, "name": "Nordictel", "region": "eu", "settings": settings}
    read_only = ["spark-admin:broadworks_subscribers_read"]
    return {
        "accounts": [account, {**account, "token": "reader", "scopes": read_only}],
        "provisioning_ids": [
            {"id": PROVISIONING_ID, "account": "Nordictel", "cluster": "north"},
            {"id": SECOND_ID, "account": "Nordictel", "cluster": "north"},
        ],
        "enterprises": [{"id": CUSTOMER, "provisioning_id": PROVISIONING_ID}],
        "broadworks_users": [
            {
                "user_id": LOGIN,
                "password": PASSWORD,
                "first_name": "Åse",
                "last_name": "Sørensen",
                "enterprise": CUSTOMER,
                "number": "+45-70101010",
                "extension": "1010",
            },
            {
                "user_id": "locked@nordictel.example",
                "password": PASSWORD,
                "enterprise": CUSTOMER,
                "locked": True,
                "locked_answer": "named",
            },
        ],
        "addresses": [
            {"email": "taken@other.example", "kind": "other_organisation"},
            {"email": "private@mail.example", "kind": "consumer"},
        ],
    }
