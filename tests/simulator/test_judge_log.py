"""The request log: every request has its line, nothing takes a line away, answers are noted."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest
import requests

from tests.simulator.conftest import TOKEN, a_body, a_subscriber, an_account
from tests.simulator.judging import USER, look, post, put, remove
from tests.simulator_process import ROOT, Json, SimulatorProcess, running_simulator

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def only(lines: list[Json]) -> Json:
    (line,) = lines
    return line


# ---- Lines ----


@pytest.mark.parametrize("count_by", ["all", "user"])
def test_what_is_no_text_has_a_line_when_it_is_struck(
    simulator: SimulatorProcess, count_by: str
) -> None:
    simulator.fault(status=503, operation="provision", count_by=count_by)
    body = {"provisioningId": "p", "spEnterpriseId": "e", "userId": "half \ud800, nul \x00"}

    answer = simulator.call("POST", "/broadworks/subscribers", TOKEN, json=body)

    assert answer.status_code == 503
    assert only(simulator.requests())["user_id"] == "half ?, nul "


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/broadworks/nothing", 404),
        ("PATCH", "/v1/broadworks/subscribers", 405),
        ("GET", "/v1", 404),
        ("GET", "/com.broadsoft.xsi-actions/v2.0/user/somebody", 404),
        ("GET", "/v1/broadworks/subscribers", 401),
    ],
)
def test_what_is_refused_has_a_line(simulator: SimulatorProcess, method, path, status):
    assert requests.request(method, f"{simulator.url}{path}", timeout=30).status_code == status

    line = only(simulator.requests())

    assert (line["method"], line["path"], line["status"]) == (method, path, status)
    assert (line["effect"], line["answer"]) == (False, "sent")


def test_a_refusal_by_a_fault_tells_whom_it_was_about(simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER, status="error")]})
    public_id = look(simulator).json()["items"][0]["id"]
    simulator.fault(operation="provision,update", status=500, times=2)
    post(simulator)
    put(simulator, public_id, lastName="Lund")

    refused = simulator.requests()[1:]

    assert [line["user_id"] for line in refused] == [USER, USER]
    assert all(line["fault"] and not line["effect"] for line in refused)


def test_consent_has_a_line(simulator: SimulatorProcess):
    waiting = a_subscriber(USER, status="pending_user_migration", email="100@acme.example")
    simulator.load({"subscribers": [waiting]})
    public_id = look(simulator).json()["items"][0]["id"]
    simulator.call("POST", f"/subscribers/{public_id}/emails/consentMove", TOKEN)
    link = simulator.mails()[0]["link"]
    for _ in range(2):
        requests.get(link, timeout=30)
        requests.post(link, timeout=30)

    done, over = simulator.requests(operation="consent")

    assert (done["status"], done["change"], done["user_id"]) == (200, "consented", USER)
    assert (over["status"], over["effect"]) == (410, False)


def test_what_control_does_to_subscribers_has_lines(simulator: SimulatorProcess):
    user = {"user_id": USER, "password": "x", "provisioning_id": "nordictel-template",
            "enterprise": "Nordictel+acme"}  # fmt: skip
    simulator.load({"broadworks_users": [user]})
    simulator.assign(USER)
    simulator.force(look(simulator).json()["items"][0]["id"], status="error")
    simulator.unassign(USER)

    lines = simulator.requests(operation="control")

    assert [line["change"] for line in lines] == ["arrived", "forced", "left"]
    assert {line["user_id"] for line in lines} == {USER}


@pytest.mark.parametrize("table", ["simulator_request", "simulator_answer"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET at = now()"])
def test_nothing_is_taken_from_the_log(simulator: SimulatorProcess, table, statement):
    post(simulator)
    simulator.requests()
    with (
        closing(psycopg2.connect(os.environ["SIMULATOR_DATABASE_URL"])) as database,
        pytest.raises(psycopg2.Error, match="only ever added to"),
    ):
        database.cursor().execute(statement.format(table))


# ---- Answers ----


def test_answers_of_every_form_are_noted_as_sent(simulator: SimulatorProcess):
    public_id = post(simulator).json()["id"]
    one = f"/broadworks/subscribers/{public_id}"
    assert simulator.call("HEAD", one, TOKEN).content == b""
    assert remove(simulator, public_id).status_code == 204
    assert look(simulator).json() == {"items": []}  # all on one connection

    lines = simulator.requests()

    assert [line["answer"] for line in lines] == ["sent"] * 4
    for line in lines:
        assert line["answered_at"] >= line["finished_at"]


def test_a_dropped_connection_is_noted_as_not_sent(simulator: SimulatorProcess):
    simulator.fault(operation="provision", drop_after=True)
    with pytest.raises(requests.ConnectionError):
        post(simulator)

    line = only(simulator.requests())

    assert (line["effect"], line["answer"]) == (True, "not sent")


@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_was_gone_before_the_answer_is_noted(simulator: SimulatorProcess, reset):
    simulator.fault(operation="list", delay_after_ms=300)
    place = urlsplit(simulator.url)
    client = socket.create_connection((place.hostname, place.port))
    path = "GET /v1/broadworks/subscribers HTTP/1.1"
    client.sendall(f"{path}\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    until_logged(simulator, 1)
    if reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()

    assert until_answered(simulator)["answer"] == "not sent"


def until_logged(simulator: SimulatorProcess, lines: int) -> None:
    end = time.monotonic() + 100
    while len(simulator.requests()) < lines:
        assert time.monotonic() < end
        time.sleep(0.01)


def until_answered(simulator: SimulatorProcess) -> Json:
    end = time.monotonic() + 100
    while (line := only(simulator.requests()))["answer"] == "unknown":
        assert time.monotonic() < end
        time.sleep(0.01)
    return line


def test_the_last_answers_before_a_clean_stop_are_noted(simulator: SimulatorProcess):
    with running_simulator() as other:
        for number in range(20):
            post(other, f"{number}@nordictel.example")
        other.stop()

    assert {line["answer"] for line in simulator.requests()} == {"sent"}


# ---- The command ----


def judged(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "simulator", "judge", *arguments]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_says_right_or_wrong_by_its_exit_code(simulator: SimulatorProcess):
    simulator.load({"accounts": [an_account(unique_key=False)]})
    post(simulator)
    right = judged()
    post(simulator)
    wrong = judged()

    assert (right.returncode, right.stdout.splitlines()[-1]) == (0, "right: nothing to object to")
    assert (wrong.returncode, wrong.stdout.splitlines()[-1]) == (1, "WRONG: 1 doubled")
    assert USER in wrong.stdout


def test_the_command_gives_what_control_gives(simulator: SimulatorProcess):
    requests.post(
        f"{simulator.url}/v1/broadworks/subscribers", json=a_body(USER), headers=BEARER, timeout=30
    )
    told = simulator.judge(limit=20)

    assert json.loads(judged("--json").stdout) == told
