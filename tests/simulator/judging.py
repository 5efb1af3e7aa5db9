"""A client for the judge's tests: one request each, without any manners of its own."""

from __future__ import annotations

from requests import Response

from tests.simulator.conftest import TOKEN, a_body
from tests.simulator_process import Json, SimulatorProcess

USER, OTHER = "100@nordictel.example", "200@nordictel.example"


def post(simulator: SimulatorProcess, user_id: str = USER, token: str = TOKEN) -> Response:
    return simulator.call("POST", "/broadworks/subscribers", token, json=a_body(user_id))


def put(simulator: SimulatorProcess, public_id: str, **members: str) -> Response:
    return simulator.call("PUT", f"/broadworks/subscribers/{public_id}", TOKEN, json=members)


def remove(simulator: SimulatorProcess, public_id: str) -> Response:
    return simulator.call("DELETE", f"/broadworks/subscribers/{public_id}", TOKEN)


def look(simulator: SimulatorProcess, token: str = TOKEN) -> Response:
    return simulator.call("GET", "/broadworks/subscribers", token)


def counts(verdict: Json) -> dict[str, int]:
    return {name: verdict[name]["count"] for name in ("doubled", "overlaps", "early", "repeated")}


RIGHT = {"doubled": 0, "overlaps": 0, "early": 0, "repeated": 0}
