"""What dies comes back, more slowly each time, until it plainly makes no sense."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from partnerhub.local.managed_process import ManagedProcess, Spec, State
from partnerhub.local.processes import Place, Plan
from partnerhub.local.supervisor import announcement
from tests.launcher.conftest import wait_for


class Register:
    def add(self, pid, number):
        pass

    def remove(self, pid):
        pass


def keeper(tmp_path, line, **values):
    spec = Spec(name="thing", command=("/bin/sh", "-c", line), **values)
    return ManagedProcess(spec, tmp_path, Register())


def live_until_it_ends(subject, now):
    """Step at one moment of the keeper's clock until the process has died."""
    subject.step(frozenset(), now)
    wait_for(lambda: subject.step(frozenset(), now) or subject.process is None)


def test_it_rests_longer_after_each_crash_and_gives_up_at_the_fifth(tmp_path):
    subject = keeper(tmp_path, "echo something broke; exit 3")
    now, rests = 0.0, []

    while not subject.failure:
        live_until_it_ends(subject, now)
        rests.append(subject._until - now)
        now = subject._until

    assert rests[:4] == [1, 2, 4, 8]
    assert len(rests) == 5
    assert "thing ended 5 times within a minute" in subject.failure
    assert str(tmp_path / "thing.log") in subject.failure
    assert "something broke" in subject.failure


def test_crashes_far_apart_never_add_up(tmp_path):
    subject = keeper(tmp_path, "exit 3")

    for crash in range(8):
        live_until_it_ends(subject, crash * 100.0)
        assert subject.state is State.RESTING
        subject.step(frozenset(), crash * 100.0 + 0.9)
        assert subject.state is State.RESTING

    assert not subject.failure


def test_a_command_that_must_succeed_says_why_it_did_not(tmp_path):
    subject = keeper(tmp_path, "echo no such table >&2; exit 1", once=True)

    live_until_it_ends(subject, 0.0)

    assert subject.state is State.ENDED
    assert "no such table" in subject.failure


def test_a_program_that_is_missing_counts_as_a_crash(tmp_path):
    spec = Spec(name="thing", command=("/no/such/program",))
    subject = ManagedProcess(spec, tmp_path, Register())

    subject.step(frozenset(), 0.0)

    assert subject.state is State.RESTING
    assert "could not be started" in (tmp_path / "thing.log").read_text()


def test_what_never_becomes_ready_is_killed_and_tried_again(tmp_path):
    subject = keeper(tmp_path, "exec sleep 300", ready=lambda log: False, start_seconds=5)
    subject.step(frozenset(), 0.0)
    subject.step(frozenset(), 4.9)
    assert subject.pid

    wait_for(lambda: subject.step(frozenset(), 5.1) or subject.process is None)

    assert subject.state is State.RESTING


def test_a_long_log_moves_aside_without_losing_the_writer(tmp_path, monkeypatch):
    monkeypatch.setattr("partnerhub.local.managed_process.LOG_BYTES", 1000)
    subject = keeper(tmp_path, "while :; do echo 0123456789; sleep 0.005; done")
    subject.step(frozenset(), 0.0)
    wait_for(lambda: subject.log.stat().st_size > 1000)

    subject.trim_log()

    assert (tmp_path / "thing.log.1").stat().st_size > 1000
    wait_for(lambda: 0 < subject.log.stat().st_size < 1000)
    subject.stop(0.0)
    wait_for(lambda: subject.step(frozenset(), 0.0) or subject.state is State.ENDED)


def test_the_demo_file_follows_a_restart(play):
    (play.folder / "demo.json").write_text('{"password": "kept"}')
    play.has("web").has("worker").start().until_ready()
    before = play.demo()["processes"]

    os.kill(before["worker"], signal.SIGKILL)

    wait_for(lambda: play.demo()["processes"]["worker"] != before["worker"])
    assert play.demo()["processes"]["web"] == before["web"]
    assert play.demo()["password"] == "kept"
    assert "worker ended by itself" in play.text()


def test_what_a_dead_process_leaves_behind_is_gone_before_its_restart(play):
    line = f"sleep 300 & echo $! >> {play.folder}/children; up; wait"
    play.has("worker", line).start().until_ready()
    first = (play.folder / "children").read_text().split()

    os.kill(play.demo()["processes"]["worker"], signal.SIGKILL)

    wait_for(lambda: len((play.folder / "children").read_text().split()) == 2)
    assert int(first[0]) not in play.pids()


def test_giving_up_stops_the_rest_and_fails(play):
    play.has("prepare", "sleep 0.3; exit 1", once=True).has("web").start()

    assert play.process.wait(100) == 1
    assert "prepare failed. Read" in play.text()
    assert play.ends() == ["web"]
    assert play.pids() == []


def test_order_is_kept_and_nothing_is_ready_before_all_is(play):
    note = f"date +%s.%N >> {play.folder}"
    play.has("prepare", f"sleep 0.3; {note}/prepared", once=True)
    play.has("web", f"{note}/served; up; exec sleep 300", after=["prepare"]).start().until_ready()

    prepared = float((play.folder / "prepared").read_text())
    assert prepared <= float((play.folder / "served").read_text()) <= time.time()


@pytest.mark.parametrize(("name", "tells"), [("web", True), ("simulator", False)])
def test_only_what_serves_pages_says_where_to_sign_in(play, name, tells):
    person = {"email": "anna@hub.example", "role": "read_only", "partner": "Hub"}
    (play.folder / "demo.json").write_text(json.dumps({"administrators": [person]}))

    play.has(name).start().until_ready()
    play.process.terminate()
    play.process.wait(100)

    assert ("anna@hub.example" in play.text()) is tells


@pytest.mark.parametrize(
    ("given", "tells"), [({}, True), ({"DATABASE_URL": "postgres://a@127.0.0.1/b"}, False)]
)
def test_the_mailbox_is_named_only_where_it_exists(tmp_path, monkeypatch, given, tells):
    monkeypatch.setattr(Plan, "__init__", lambda plan: setattr(plan, "servers", []))
    place = Place(run=tmp_path, port=8000, simulator_port=8001, given=given)

    lines = announcement(place, Plan(), place.url)

    assert ("http://127.0.0.1:8000/dev/mailbox/" in " ".join(lines)) is tells
