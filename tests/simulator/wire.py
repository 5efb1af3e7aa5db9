"""What really came over the wire: every header, and bodies that no library would hand on."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.simulator.conftest import TOKEN, a_body
from tests.simulator_process import SimulatorProcess

SUBSCRIBERS = "/v1/broadworks/subscribers"


@dataclass
class Wire:
    """An answer as it came; `is_whole` is False when less came than was promised."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    is_whole: bool

    def all(self, name: str) -> list[str]:
        """Every header of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def data(self) -> Any:
        return json.loads(self.body)


def ask(
    simulator: SimulatorProcess,
    method: str = "GET",
    path: str = SUBSCRIBERS,
    body: dict[str, Any] | None = None,
    token: str = TOKEN,
    timeout: float = 60,
) -> Wire:
    """Make one request on a connection of its own; raises OSError when nothing came."""
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=timeout)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        try:
            content, is_whole = answer.read(), True
        except http.client.IncompleteRead as error:
            content, is_whole = error.partial, False
        return Wire(answer.status, answer.getheaders(), content, is_whole)
    finally:
        connection.close()


def post(simulator: SimulatorProcess, user_id: str = "100@nordictel.example", **more: Any) -> Wire:
    """Provision a user."""
    return ask(simulator, "POST", body=a_body(user_id), **more)
