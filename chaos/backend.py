"""The simulated backend as a process of its own, with its control API and its judge."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from chaos.processes import Child, NotStarted
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.servers import free_port

Json = dict[str, Any]
PAGE = 1000


class Backend:
    """The backend: what goes wrong there, and what it says of its client."""

    def __init__(self, database_url: str, logs: Path) -> None:
        self.port = free_port()
        self.token = secrets.token_urlsafe(16)
        environment = os.environ | {
            "SIMULATOR_DATABASE_URL": database_url,
            "SIMULATOR_CONTROL_TOKEN": self.token,
        }
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        serve = [sys.executable, "-m", "simulator", "serve", "--port", str(self.port)]
        self.child = Child("simulator", serve, environment, logs / "simulator.log", _answers)
        self.http = requests.Session()

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Make its tables and serve; raises NotStarted."""
        prepare = [sys.executable, "-m", "simulator", "prepare"]
        with self.child.log.open("ab") as out:
            code = subprocess.call(
                prepare, cwd=ROOT, env=dict(self.child.environment), stdout=out, stderr=out
            )
        if code:
            raise NotStarted(f"the simulator's tables could not be made; read {self.child.log}")
        self.child.start()

    def control(self, method: str, name: str, body: Json | None = None) -> Json:
        """Call the control API; raises requests.HTTPError for anything but success."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}/_control/{name}"
        answer = self.http.request(method, url, json=body, headers=headers, timeout=60)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {name}: {answer.status_code} {answer.text}")
        found: Json = answer.json()
        return found

    def fault(self, kind: str, **options: Any) -> None:
        """Let requests go wrong until `heal`, or until `times` or `for_seconds` are over."""
        self.control("POST", "faults", {"kind": kind, **options})

    def heal(self) -> None:
        """Forget all faults."""
        self.control("DELETE", "faults")

    def log(self, after: int = 0) -> list[Json]:
        """Return the request log of this run after a line, oldest first."""
        lines: list[Json] = []
        while True:
            found = self.control("GET", f"requests?limit={PAGE}&after={after}")["items"]
            lines += found
            if len(found) < PAGE:
                return lines
            after = found[-1]["id"]

    def call(self, method: str, path: str, token: str, body: Json | None = None) -> Json:
        """Act at the backend as somebody else may, by its API; `path` without `/v1`."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.http.request(
            method, f"{self.url}/v1{path}", json=body, headers=headers, timeout=30
        )
        answer.raise_for_status()
        found: Json = answer.json() if answer.content else {}
        return found

    def judge(self, grace_ms: int, after: int) -> Json:
        """Return the judge's verdict on the lines of this run that came after one."""
        return self.control("GET", f"judge?grace_ms={grace_ms}&limit=20&after={after}")


def _answers(child: Child) -> bool:
    port = child.command[-1]
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        return False
