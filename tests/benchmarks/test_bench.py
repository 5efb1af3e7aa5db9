"""`make bench`: a small run from end to end, and the load generator on servers that misbehave."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.client import Answer, Connection, MeasurementFailed, Work, expect, measure, request
from benchmarks.table import Line, show
from partnerhub.local.bootstrap import ROOT

CASES = ("provision (POST)", "list, 100 a page", "list, ID and last month", "get one")


class Asks(Work):
    def request(self) -> bytes:
        return request("GET", "/", {})

    def take(self, answer: Answer) -> None:
        expect(answer, answer.body == b"ok")


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Serve one keep-alive connection that always gets the same bytes; none: it is closed."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            while answer and link.recv(1000):
                link.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(100)


def measured(answer: bytes) -> int:
    """Return how many answers came in a tenth of a second."""
    with server(answer) as port:
        connection = Connection(port, Asks())
        try:
            return len(measure([connection], 0.1).latencies)
        finally:
            connection.socket.close()


def test_right_answers_are_counted():
    assert measured(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") > 10


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nsorry", "500: sorry"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "without a length"),
        (b"", "connection closed"),
    ],
)
def test_a_wrong_answer_fails_the_measurement(answer: bytes, words: str):
    with pytest.raises(MeasurementFailed, match=words):
        measured(answer)


def test_the_verdict_is_by_the_rate():
    assert Line("a", 499.0, target=500).verdict == "NOT MET"
    assert Line("a", 500.0, target=500).verdict == "met"
    assert Line("a", 1.0).verdict == ""


def test_figures_that_do_not_apply_stay_out():
    heading, line = show([Line("rows", 1234.5, target=1000)]).splitlines()

    assert heading.startswith("case")
    assert line.split() == ["rows", "1,234", "1,000", "met"]


@pytest.mark.long
def test_a_small_run_shows_every_case_and_leaves_nothing_behind():
    bench = [sys.executable, "-m", "benchmarks", "simulator", "--subscribers", "300"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        environment = {**os.environ, "TMPDIR": folder}
        done = subprocess.run(
            [*bench, "--rounds", "1", "--seconds", "0.2"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

        assert list(Path(folder).iterdir()) == []
    assert done.returncode == 0, done.stderr
    for case in CASES:
        (line,) = re.findall(rf"^{re.escape(case)} +(.*)$", done.stdout, re.MULTILINE)
        assert all(float(part.replace(",", "")) > 0 for part in line.split()[:5])
    assert "PostgreSQL 18" in done.stdout
    assert "generator: " in done.stdout


def test_a_failed_measurement_fails_the_command():
    program = (
        "import sys; import benchmarks.__main__ as bench; from benchmarks import client\n"
        "def run(options, tell): raise client.MeasurementFailed('no answer')\n"
        "bench.SUBJECTS['simulator'] = run\n"
        "sys.exit(bench.main(['simulator', '--quick']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "simulator: the measurement failed: no answer" in done.stderr
