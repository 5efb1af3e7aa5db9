"""`make bench` of the engine: a small run from end to end, and what it would not let pass."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import engine_stage
from benchmarks.engine import Case
from benchmarks.engine_sides import Calls, Sample
from benchmarks.engine_stage import Backend
from benchmarks.fast_backend import PATH
from benchmarks.versus import Versus
from partnerhub.local.bootstrap import ROOT
from webex.client import WebexClient
from webex.errors import NotFound
from webex.payloads import ProvisionRequest

REQUEST = ProvisionRequest(
    provisioning_id="p",
    user_id="freja@firma.example",
    sp_enterprise_id="e",
    first_name="Freja",
    last_name="Holm",
    package="standard",
    email="f@firma.example",
)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with engine_stage.backend(0.0) as one:
        yield one


@pytest.fixture
def client(backend: Backend) -> WebexClient:
    backend.counts()
    address = f"http://127.0.0.1:{backend.port}/v1"
    return WebexClient(address, "token", trusted_hosts=["127.0.0.1"])


def test_our_client_understands_the_fast_backend(client, backend):
    made = client.provision(REQUEST)
    changed = client.update(made.id, package="premium")

    assert (made.status, made.user_id, made.email) == (
        "provisioned", REQUEST.user_id, REQUEST.email,
    )  # fmt: skip
    assert changed.package == "premium"
    assert client.find_subscribers("p", "another@firma.example") == []
    assert client.find_subscribers("p", "freja@firma.example") == [changed]
    client.remove(made.id)
    with pytest.raises(NotFound):
        client.get_subscriber(made.id)
    assert backend.counts()["changes"] == 3
    assert backend.counts()["changes"] == 0


def test_a_late_backend_is_late_and_counts_what_it_holds_at_once():
    with engine_stage.backend(0.2) as late:
        url = f"http://127.0.0.1:{late.port}{PATH}"
        began = time.monotonic()
        threads = [threading.Thread(target=lambda: _read(url)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert time.monotonic() - began >= 0.2
        assert late.counts() == {"changes": 0, "most_at_once": 3}


def _read(url: str) -> None:
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert json.load(answer) == {"items": []}


def test_the_bare_calls_are_counted(backend):
    side = Calls("the calls", backend, at_once=2, seconds=0.1)

    side.samples.append(side.go(1))

    assert side.samples[0].jobs > 0
    assert side.cpu is None


def test_a_side_does_neither_too_few_nor_too_many(backend):
    side = Calls("the calls", backend, at_once=1, seconds=0.1)

    assert side.enough(1.5) == side.fewest
    assert side.enough(1e9) == side.most
    assert side.enough(side.fewest + 1) == side.fewest + 1


def test_a_rate_is_jobs_by_seconds():
    assert Sample(jobs=50, seconds=0.5).rate == 100


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (Versus("a", "1/s", ratio=5.0, least=5.0), "met"),
        (Versus("a", "1/s", ratio=4.9, least=5.0), "NOT MET"),
        (Versus("a", "1/s", ratio=1.3, most=1.3), "met"),
        (Versus("a", "1/s", ratio=1.4, most=1.3), "NOT MET"),
        (Versus("a", "1/s", ratio=1.4), ""),
    ],
)
def test_the_verdict_is_by_the_ratio(line: Versus, verdict: str):
    assert line.verdict == verdict


def test_a_case_is_compared_with_its_limit_and_with_the_others_round_by_round(backend):
    ours, other = (Calls(name, backend, at_once=1, seconds=0.1) for name in ("ours", "other"))
    ours.samples = [Sample(100, 2.0, 0.2), Sample(100, 1.0, 0.1), Sample(100, 4.0, 0.4)]
    other.samples = [Sample(10, 2.0, 0.1), Sample(10, 2.0, 0.1), Sample(10, 2.0, 0.1)]

    limit, beside = Case("case", backend, 4, ours, [other], limit=0.0125).lines()

    assert (limit.ours, limit.figure, limit.ratio, limit.verdict) == (
        "50/s",
        "80/s",
        pytest.approx(1.6),
        "NOT MET",
    )
    assert (beside.figure, beside.ratio, beside.cpu, beside.its_cpu) == ("5/s", 10, 0.002, 0.01)


@pytest.mark.long
def test_a_small_run_checks_every_job_and_leaves_nothing_behind():
    bench = [sys.executable, "-m", "benchmarks", "engine", "--rounds", "1", "--seconds", "0.1"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        done = subprocess.run(
            [*bench, "--cases", "answered at once (16"],
            cwd=ROOT, env={**os.environ, "TMPDIR": folder}, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip

        assert list(Path(folder).iterdir()) == []
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"^answered.* ([0-9,]+)/s .* (one task|the calls)", done.stdout, re.MULTILINE
    )
    assert [beside for _, beside in found] == ["one task", "the calls"]
    assert all(float(rate.replace(",", "")) > 0 for rate, _ in found)
