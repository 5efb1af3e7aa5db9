"""Playing a scenario through the API, for the tests of scenarios."""

from __future__ import annotations

from typing import Any

from requests import Response

from tests.simulator.conftest import TOKEN, Api
from tests.simulator_process import SimulatorProcess

Json = dict[str, Any]
SENT = ("provisioningId", "userId", "spEnterpriseId", "firstName", "lastName", "package", "email")


def control(
    simulator: SimulatorProcess, method: str, path: str, body: Json | None = None
) -> Response:
    """Call the control API, whatever it answers."""
    headers = {"Authorization": f"Bearer {simulator.control_token}"}
    url = f"{simulator.url}/_control/{path}"
    return simulator.http.request(method, url, json=body, headers=headers, timeout=60)


def play(simulator: SimulatorProcess, name: str, **members: Any) -> Json:
    """Load a scenario under the provisioning ID `rehearsal` of Nordictel."""
    body = {"token": TOKEN, "provisioning_id": "rehearsal"} | members
    return simulator.control("POST", f"scenarios/{name}", body)


def everybody(api: Api, **query: Any) -> list[Json]:
    """Return its subscribers, newest first; not held against the document, which knows less."""
    wanted = {"provisioningId": "rehearsal", "max": 100} | query
    answer = api.simulator.call("GET", "/broadworks/subscribers", api.token, params=wanted)
    items: list[Json] = answer.json()["items"]
    return items


def by_local_part(api: Api, **query: Any) -> dict[str, Json]:
    """Return its subscribers by what stands before the @."""
    return {item["userId"].partition("@")[0]: item for item in everybody(api, **query)}


def body_of(user: Json, **members: Any) -> Json:
    """Return what is sent to provision a subscriber, or to have it checked before."""
    return {name: user[name] for name in SENT if name in user} | members


def retry(api: Api, user: Json, **members: Any) -> Response:
    """Try again to provision a subscriber, with the present address or another."""
    return api.call("POST", "/broadworks/subscribers", json=body_of(user, **members))


def now(api: Api, user: Json) -> Json:
    """Return a subscriber as it is now."""
    found: Json = api.get(user["id"]).json()
    return found
