"""The cast: partner Nordictel with one customer, partner Iberfone, and a client for each test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from requests import Response

from tests.simulator import contract
from tests.simulator_process import SimulatorProcess

TOKEN, READER, FOREIGN = "nordictel-token", "nordictel-reader", "iberfone-token"
HOME, SECOND_HOME, FOREIGN_HOME = "nordictel-template", "nordictel-second", "iberfone-template"
CUSTOMER = "Nordictel+acme"


@dataclass
class Api:
    """The simulated API for one token; every 200 is held against the published document."""

    simulator: SimulatorProcess
    token: str = TOKEN

    def call(self, method: str, path: str, **options: Any) -> Response:
        answer = self.simulator.call(method, path, self.token, **options)
        contract.check_answer(self.simulator.url, answer)
        return answer

    def provision(self, user_id: str = "100@nordictel.example", **members: Any) -> Response:
        body = a_body(user_id) | members
        body = {name: value for name, value in body.items() if value is not None}
        return self.call("POST", "/broadworks/subscribers", json=body)

    def precheck(self, email: str, **members: Any) -> Response:
        return self.call(
            "POST", "/broadworks/subscribers/validate", json={"email": email} | members
        )

    def get(self, subscriber_id: str) -> Response:
        return self.call("GET", f"/broadworks/subscribers/{subscriber_id}")

    def update(self, subscriber_id: str, **members: Any) -> Response:
        return self.call("PUT", f"/broadworks/subscribers/{subscriber_id}", json=members)

    def remove(self, subscriber_id: str) -> Response:
        return self.call("DELETE", f"/broadworks/subscribers/{subscriber_id}")

    def list(self, **query: Any) -> Response:
        return self.call("GET", "/broadworks/subscribers", params=query)

    def user_ids(self, **query: Any) -> list[str]:
        return [item["userId"] for item in self.list(**query).json()["items"]]

    def only(self, user_id: str) -> dict[str, Any]:
        (item,) = self.list(userId=user_id).json()["items"]
        return item


def a_body(user_id: str) -> dict[str, Any]:
    return {
        "provisioningId": HOME,
        "userId": user_id,
        "spEnterpriseId": CUSTOMER,
        "firstName": "Åse",
        "lastName": "Holm",
        "package": "standard",
        "email": f"{user_id.partition('@')[0]}@acme.example",
    }


def a_subscriber(user_id: str, **members: Any) -> dict[str, Any]:
    return {"user_id": user_id, "provisioning_id": HOME, "enterprise": CUSTOMER} | members


def an_account(**settings: Any) -> dict[str, Any]:
    return {"token": TOKEN, "name": "Nordictel", "region": "eu", "settings": settings}


def the_cast() -> dict[str, Any]:
    read_only = ["spark-admin:broadworks_subscribers_read"]
    return {
        "accounts": [
            {"token": READER, "name": "Nordictel", "region": "eu", "scopes": read_only},
            {"token": FOREIGN, "name": "Iberfone", "region": "eu"},
            an_account(),
        ],
        "provisioning_ids": [
            {"id": HOME, "account": "Nordictel", "cluster": "north"},
            {"id": SECOND_HOME, "account": "Nordictel", "cluster": "north"},
            {"id": FOREIGN_HOME, "account": "Iberfone", "cluster": "north"},
        ],
        "enterprises": [{"id": CUSTOMER, "provisioning_id": HOME}],
    }


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> SimulatorProcess:
    simulator_process.reset()
    simulator_process.load(the_cast())
    return simulator_process


@pytest.fixture
def api(simulator: SimulatorProcess) -> Api:
    return Api(simulator)


def codes(answer: Response) -> list[int | None]:
    return [error.get("errorCode") for error in answer.json()["errors"]]
