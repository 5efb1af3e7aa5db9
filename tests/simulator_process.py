"""The simulated backend as a process of its own, for every suite that needs one.

The fixture `simulator_process` (tests/conftest.py) is one for the whole run; `running_simulator()`
is for one with other settings. Its database is SIMULATOR_DATABASE_URL.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import requests
from requests import Response
from requests.auth import HTTPBasicAuth

from partnerhub.local.servers import free_port

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 30.0
STOP_SECONDS = 15.0
Json = dict[str, Any]


@dataclass
class SimulatorProcess:
    """A running simulator: its control API, and a client for the API that it simulates."""

    url: str
    control_token: str
    process: subprocess.Popen[bytes]
    http: requests.Session = field(default_factory=requests.Session)

    def control(self, method: str, name: str, body: Json | None = None) -> Json:
        """Call the control API; raises AssertionError for anything but success."""
        headers = {"Authorization": f"Bearer {self.control_token}"}
        url = f"{self.url}/_control/{name}"
        answer = self.http.request(method, url, json=body, headers=headers, timeout=60)
        if answer.status_code != requests.codes.ok:
            raise AssertionError(f"{method} {name}: {answer.status_code} {answer.text}")
        found: Json = answer.json()
        return found

    def load(self, world: Json) -> Json:
        """Load a world document."""
        return self.control("POST", "world", world)

    def reset(self) -> None:
        """Forget everything."""
        self.control("POST", "reset")

    def advance(self, seconds: float) -> None:
        """Let everything under way come this much closer to its end."""
        self.control("POST", "advance", {"seconds": seconds})

    def requests(self, **filters: str) -> list[Json]:
        """Return the request log, oldest first."""
        query = "&".join(f"{name}={quote(value)}" for name, value in filters.items())
        found: list[Json] = self.control("GET", f"requests?{query}")["items"]
        return found

    def judge(self, **question: str | int) -> Json:
        """Return the judge's verdict on this run, or on lines `after` an id, of a `token_name`."""
        query = "&".join(f"{name}={quote(str(value))}" for name, value in question.items())
        return self.control("GET", f"judge?{query}")

    def mails(self, to: str = "") -> list[Json]:
        """Return the consent mails, newest first."""
        found: list[Json] = self.control("GET", f"mails?to={quote(to)}")["items"]
        return found

    def fault(self, **fault: Any) -> None:
        """Make the next matching requests go wrong."""
        self.control("POST", "faults", fault)

    def force(self, subscriber_id: str, **changes: Any) -> Json:
        """Change a subscriber as if Webex had done so itself."""
        return self.control("POST", f"subscribers/{subscriber_id}", changes)

    def assign(self, *user_ids: str) -> None:
        """Assign Integrated IM&P in BroadWorks."""
        self.control("POST", "broadworks/assign", {"user_ids": list(user_ids)})

    def unassign(self, *user_ids: str) -> None:
        """Take Integrated IM&P away."""
        self.control("POST", "broadworks/unassign", {"user_ids": list(user_ids)})

    def call(self, method: str, path: str, token: str, **options: Any) -> Response:
        """Call the simulated API (`path` without `/v1`) with a bearer token."""
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        url = f"{self.url}/v1{path}"
        return self.http.request(method, url, headers=headers, timeout=30, **options)

    def login(self, user_id: str, password: str, query: str = "") -> Response:
        """Ask Xsi-Actions for the profile of the user who signs in."""
        path = f"/com.broadsoft.xsi-actions/v2.0/user/{quote(user_id, safe='')}/profile"
        login = HTTPBasicAuth(user_id.encode(), password.encode())
        return self.http.get(f"{self.url}{path}{query}", auth=login, timeout=30)

    def stop(self) -> int:
        """End it by SIGTERM; returns the exit code."""
        self.http.close()
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it and its workers by SIGKILL, as a power cut would."""
        self.http.close()
        everyone = [self.process, *psutil.Process(self.process.pid).children(recursive=True)]
        for one in everyone:
            one.kill()
        for one in everyone:
            one.wait(STOP_SECONDS)


@contextmanager
def running_simulator(
    *, port: int | None = None, control_token: str | None = None, **variables: str
) -> Iterator[SimulatorProcess]:
    """Prepare the database, serve, wait until it answers; stop at the end.

    `variables` are further environment variables, such as SIMULATOR_TIME_SCALE="0.1".
    """
    token = secrets.token_urlsafe(16) if control_token is None else control_token
    environment = os.environ | {"SIMULATOR_CONTROL_TOKEN": token} | variables
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    program = [sys.executable, "-m", "simulator"]
    subprocess.run([*program, "prepare"], cwd=ROOT, env=environment, check=True, timeout=60)
    port = port or free_port()
    _require_free(port)
    process = subprocess.Popen([*program, "serve", "--port", str(port)], cwd=ROOT, env=environment)
    simulator = SimulatorProcess(f"http://127.0.0.1:{port}", token, process)
    try:
        _wait_until_ready(simulator)
        yield simulator
    finally:
        if process.poll() is None:
            simulator.stop()
        simulator.http.close()


def _wait_until_ready(simulator: SimulatorProcess) -> None:
    end = time.monotonic() + START_SECONDS
    while simulator.process.poll() is None and time.monotonic() < end:
        try:
            if requests.get(f"{simulator.url}/healthz", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise RuntimeError(f"the simulator did not start, exit code {simulator.process.poll()}")


def _require_free(port: int) -> None:
    """Raise RuntimeError when another one answers there: it would be taken for ours."""
    with socket.socket() as caller:
        if caller.connect_ex(("127.0.0.1", port)) == 0:
            raise RuntimeError(f"something listens on port {port} already")
