"""Without what only Linux has, nothing is lost, and nothing is left behind."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from contextlib import closing

import psycopg2
import pytest

from partnerhub.local import bootstrap, parent_death, private_dirs, servers, system
from tests.launcher import as_on_a_mac
from tests.launcher.conftest import wait_for
from tests.needs import need_tool


@pytest.fixture
def mac(monkeypatch):
    as_on_a_mac.pretend(monkeypatch.setattr, monkeypatch.delattr)


@pytest.fixture
def mac_play(play, monkeypatch):
    """A played run whose supervisor has only what a Mac has."""
    monkeypatch.setenv(as_on_a_mac.NAME, "1")
    return play


def sh(line):
    return subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.PIPE)


def test_a_child_that_ended_is_seen_and_its_code_kept(mac):
    with sh("read line; exit 3") as child:
        assert not system.has_ended(child)

        child.stdin.close()

        wait_for(lambda: system.has_ended(child))
        assert child.wait() == 3


def test_a_command_line_is_told_by_ps(mac):
    need_tool("ps")
    with sh("read line # by this mark") as child:
        found = system.command_line(str(child.pid))
        child.stdin.close()

    assert "# by this mark" in found
    assert system.command_line(str(child.pid)).strip() == ""


def test_a_child_lives_without_the_tie_to_its_parent(mac):
    tie = parent_death.die_with_parent()

    assert subprocess.run(["/bin/sh", "-c", "exit 4"], preexec_fn=tie, check=False).returncode == 4


def test_who_is_alive_is_told_by_a_signal(mac):
    with sh("read line") as child:
        assert bootstrap.is_alive(child.pid)
        child.stdin.close()

    assert not bootstrap.is_alive(child.pid)


def test_a_signal_stops_all_in_order(mac_play):
    mac_play.has("web").has("worker", stop_rank=1).start().until_ready()

    mac_play.process.send_signal(signal.SIGTERM)

    assert mac_play.process.wait(100) == 0
    assert mac_play.ends() == ["web", "worker"]
    assert mac_play.pids() == []


def test_a_killed_supervisor_leaves_nothing(mac_play):
    mac_play.has("web").has("forking", "sleep 300 & sleep 300 & up; wait").start().until_ready()

    mac_play.process.kill()

    wait_for(lambda: not mac_play.pids())


def test_what_dies_is_started_again_with_its_children_ended(mac_play):
    mac_play.has("forking", "sleep 300 & sleep 300 & up; wait").start().until_ready()
    first = wait_for(lambda: mac_play.demo()["processes"])["forking"]
    before = set(mac_play.pids())

    os.kill(first, signal.SIGKILL)

    wait_for(lambda: mac_play.demo()["processes"]["forking"] != first)
    wait_for(lambda: len(mac_play.pids()) == len(before))
    assert len(before - set(mac_play.pids())) == 3  # its shell and both of its children


def test_a_database_made_there_orders_and_folds_as_here(folder, monkeypatch):
    words = "SELECT string_agg(w, '' ORDER BY w), lower('ÆØÅÉ'), 'ÆRØ' ILIKE 'ærø' FROM"
    words += " unnest(ARRAY['a','B','z','æ','Å','ø','é','Z']) AS w"
    ours = asked(folder / "ours", words)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")

    theirs = asked(folder / "theirs", words)

    assert theirs == ours == ("BZazÅæéø", "æøåé", True)


def asked(folder, query):
    folder.mkdir(mode=0o711)
    server = servers.Postgres(folder, fast=True)
    server.start(folder / "log")
    try:
        with closing(psycopg2.connect(server.url)) as link, link.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()
    finally:
        server.stop(at_once=True)
        private_dirs.remove_private_dir(folder)
