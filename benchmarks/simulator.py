"""The simulated backend, one process on one core, beside a bare Django view on the same data."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import rounds, stage, table
from benchmarks.client import Answer, MeasurementFailed, Work, expect, request
from benchmarks.options import Options
from benchmarks.rounds import Case, Server, Side
from benchmarks.table import Line, Report
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.servers import free_port

TOKEN = "generated"  # the generator's own account
CONTROL = "bench"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
NEXT = re.compile(rb"\r\nlink: *<(?:https?://[^/]+)?(/[^>]*)>", re.IGNORECASE)
LIST = "/v1/broadworks/subscribers"
THREADS = 64  # of `simulator serve`, and of the floor
NEW_CUSTOMER_EVERY = 200
A_MILLION, FIVE_MINUTES = 1_000_000, 300
MONTH_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Facts:
    """What the requests are made of: some of the generated rows."""

    customers: list[tuple[str, str]]
    uids: list[str]
    home: str


class Provisions(Work):
    """POSTs of users who are not there yet, in customers who mostly are."""

    def __init__(self, path: str, facts: Facts, number: int) -> None:
        self.path, self.facts = path, facts
        self.name, self.count = f"{path.strip('/')[:5]}-{number}", 0
        self.luck = random.Random(number)

    def request(self) -> bytes:
        self.count += 1
        customer, home = self.luck.choice(self.facts.customers)
        if self.count % NEW_CUSTOMER_EVERY == 0:
            customer = f"{customer}-{self.name}-{self.count}"
        user = f"{self.name}-{self.count}@bench.example"
        body = {
            "provisioningId": home,
            "userId": user,
            "spEnterpriseId": customer,
            "firstName": "Åse",
            "lastName": "Holm",
            "package": "standard",
            "email": user,
        }
        return request("POST", self.path, HEADERS, json.dumps(body).encode())

    def take(self, answer: Answer) -> None:
        expect(answer, answer.status == 200)


class Pages(Work):
    """List pages, each by the `Link` of the one before; begins anew after the last one."""

    def __init__(self, path: str) -> None:
        self.first = self.path = path

    def request(self) -> bytes:
        return request("GET", self.path, HEADERS)

    def take(self, answer: Answer) -> None:
        link = NEXT.search(answer.head)
        is_full = answer.body.count(b'"lastStatusChange"') == 100
        is_full |= answer.body.count(b'"last_status_change"') == 100
        expect(answer, answer.status == 200 and (is_full or not link))
        self.path = link[1].decode() if link else self.first


class Gets(Work):
    """Single subscribers from all over the table."""

    def __init__(self, paths: list[str], number: int) -> None:
        self.paths, self.luck = paths, random.Random(number)

    def request(self) -> bytes:
        return request("GET", self.luck.choice(self.paths), HEADERS)

    def take(self, answer: Answer) -> None:
        expect(answer, answer.status == 200)


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """Generate, serve, measure; raises MeasurementFailed."""
    with stage.database("simulator") as url:
        environment = {"SIMULATOR_DATABASE_URL": url, "SIMULATOR_CONTROL_TOKEN": CONTROL}
        _program(environment, "prepare")
        generated, note = _generate(environment, options.subscribers)
        facts = _facts(url)
        ports = free_port(), free_port()
        threads = ["--threads", str(THREADS)]
        ours = ["-m", "simulator", "serve", "--port", str(ports[0]), *threads]
        floor = ["-m", "benchmarks.floor", "--port", str(ports[1]), *threads]
        core = options.cores.measured
        with (
            stage.serving(ours, ports[0], environment, core) as first,
            stage.serving(floor, ports[1], environment, core) as second,
        ):
            cases = _cases(Server(first, ports[0]), Server(second, ports[1]), facts)
            cases = [case for case in cases if options.wants(case.name)]
            rounds.run(cases, rounds=options.rounds, seconds=options.seconds, tell=tell)
        notes = [options.cores.words, note]
        return Report([generated, *map(table.line_of, cases)], stage.version(url), notes)


def _program(environment: dict[str, str], *arguments: str) -> None:
    program = [sys.executable, "-m", "simulator", *arguments]
    if subprocess.run(program, cwd=ROOT, env=os.environ | environment, check=False).returncode:
        raise MeasurementFailed(f"{' '.join(program)} failed")


def _generate(environment: dict[str, str], subscribers: int) -> tuple[Line, str]:
    start = time.monotonic()
    _program(environment, "generate", "--subscribers", str(subscribers))
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # the largest child's
    line = Line("generator, rows", subscribers / seconds, target=A_MILLION / FIVE_MINUTES)
    return line, f"generator: {seconds:.0f} s, at most {peak:.0f} MB resident"


def _facts(url: str) -> Facts:
    with stage.psql(url) as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT sp_enterprise_id, provisioning_id FROM simulator_enterprise"
            " ORDER BY md5(sp_enterprise_id) LIMIT 5000"
        )
        customers = cursor.fetchall()
        cursor.execute("SELECT uid FROM simulator_subscriber ORDER BY md5(user_id) LIMIT 5000")
        return Facts(customers, [str(uid) for (uid,) in cursor.fetchall()], customers[0][1])


def _cases(ours: Server, floor: Server, facts: Facts) -> list[Case]:
    month_ago = int((time.time() - MONTH_SECONDS) * 1000)
    filtered = f"{LIST}?max=100&provisioningId={facts.home}&lastStatusChange={month_ago}"
    public = [f"{LIST}/{_public(uid)}" for uid in facts.uids]
    plain = [f"/floor/{uid}" for uid in facts.uids]
    return [
        Case(
            "provision (POST)",
            Side(ours, lambda n: Provisions(LIST, facts, n)),
            Side(floor, lambda n: Provisions("/floor", facts, n)),
            target=1000,
            settle=lambda: _settle(ours.port),
        ),
        Case(
            "list, 100 a page",
            Side(ours, lambda n: Pages(f"{LIST}?max=100")),
            Side(floor, lambda n: Pages("/floor?cursor=")),
            target=500,
        ),
        Case(
            "list, ID and last month",
            Side(ours, lambda n: Pages(filtered)),
            Side(floor, lambda n: Pages("/floor?cursor=")),
            target=500,
        ),
        Case(
            "get one", Side(ours, lambda n: Gets(public, n)), Side(floor, lambda n: Gets(plain, n))
        ),
    ]


def _public(uid: str) -> str:
    text = f"ciscospark://us/SUBSCRIBER/{uid}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _settle(port: int) -> None:
    """Let what was provisioned end, so that other cases do not pay for it."""
    _ask(port, "/_control/advance", CONTROL, b'{"seconds": 3600}')
    _ask(port, f"{LIST}?max=1", TOKEN)


def _ask(port: int, path: str, token: str, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(asked, timeout=300) as answer:
        return json.load(answer)
