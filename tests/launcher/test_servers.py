"""PostgreSQL and Valkey out of wheels: closed to strangers, and their data outlive a crash."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

import psycopg2
import pytest
import redis

from partnerhub.local import databases, parent_death, private_dirs, servers
from tests.launcher.conftest import ROOT, wait_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up its rights")


@pytest.fixture
def started(folder):
    running = []

    def start(server):
        running.append(server)
        server.start(folder / f"{server.name}.log")
        return server

    yield start
    for server in running:
        server.stop(at_once=True)


def names_at(url):
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            return {name for (name,) in cursor.fetchall()}
    finally:
        connection.close()


def test_data_are_found_again_after_a_kill(folder, started):
    first = started(servers.Postgres(folder, fast=True))
    databases.ensure(first.url, "kept")
    first.process.kill()
    first.process.wait()
    assert (first.data / "postmaster.pid").exists()

    second = started(servers.Postgres(folder, fast=True))

    assert "kept" in names_at(second.url)


def test_a_server_that_still_runs_without_its_supervisor_is_stopped_first(folder, started):
    first = started(servers.Postgres(folder, fast=True))

    second = started(servers.Postgres(folder, fast=True))

    assert first.process.wait(100) == 0
    assert names_at(second.url)


def test_a_stranger_with_the_process_id_of_a_dead_server_is_left_alone(folder, started):
    first = started(servers.Postgres(folder, fast=True))
    first.stop(at_once=True)
    waiting = ["/bin/sh", "-c", "read line"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, cwd="/", **first.who) as stranger:
        lock = first.data / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{first.data}\n")
        if first.who:
            os.chown(lock, first.who["user"], first.who["group"])

        try:
            second = started(servers.Postgres(folder, fast=True))

            assert names_at(second.url)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_creating_a_database_twice_is_once(folder, started):
    server = started(servers.Postgres(folder, fast=True))

    urls = {databases.ensure(server.url, "partnerhub") for _ in range(2)}

    assert len(urls) == 1
    assert urls.pop().endswith("/partnerhub")


def test_nobody_gets_in_without_the_password(folder, started):
    database = started(servers.Postgres(folder, fast=True))
    cache = started(servers.Redis(folder))

    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(database.url.replace(database.password, "wrong"))
    stranger = redis.Redis(port=cache.port)
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()
    assert stat.S_IMODE((folder / "postgres.password").stat().st_mode) == 0o600


def test_an_interrupted_initdb_is_not_taken_for_a_database(folder, started):
    server = servers.Postgres(folder, fast=True)
    half_made = server.data.with_name(
        "postgres.half-made"
    )  # in the private folder, if it needs one
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")

    started(server)

    assert "template1" in names_at(server.url)
    assert not half_made.exists()


@pytest.fixture
def deaf():
    """Started as in the background of a script, `make test &`: the shell has us ignore these."""
    numbers = (signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("make", [partial(servers.Postgres, fast=True), servers.Redis])
def test_a_server_hears_the_stop_though_we_ignore_signals(make, at_once, deaf, folder, started):
    server = started(make(folder))
    with patch.object(server.process, "kill", wraps=server.process.kill) as last_resort:
        server.stop(at_once=at_once)

    last_resort.assert_not_called()


def test_a_child_hears_what_ends_it_though_we_ignore_and_block_it(deaf):
    code = (
        "import signal; print([signal.getsignal(n) is signal.SIG_IGN for n in"
        " (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)], signal.pthread_sigmask(0, []))"
    )
    before = signal.pthread_sigmask(signal.SIG_BLOCK, parent_death.ENDINGS)
    try:
        told = subprocess.check_output(
            [sys.executable, "-c", code], preexec_fn=parent_death.die_with_parent(), text=True
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    assert told == "[False, False, False] set()\n"


def test_a_start_that_fails_names_the_log(folder, started):
    with pytest.raises(servers.ServerFailed, match=r"redis\.log"):
        started(servers.Redis(folder, port=1 << 20))


@as_root
def test_root_lends_its_rights_to_no_server(folder, started):
    for server in (servers.Postgres(folder, fast=True), servers.Redis(folder)):
        pid = started(server).process.pid

        owner = Path(f"/proc/{pid}").stat().st_uid
        assert owner == server.who["user"] != 0


@as_root
def test_behind_a_closed_door_the_data_lie_in_a_private_room(folder, started):
    folder.chmod(0o700)
    inner = folder / "checkout"
    inner.mkdir()

    server = started(servers.Postgres(inner, fast=True))

    assert server.private_dir == private_dirs.private_dir_of(inner)
    assert stat.S_IMODE(server.private_dir.stat().st_mode) == 0o700
    assert server.data.parent == server.private_dir
    assert not (inner / "postgres").exists()
    server.stop(at_once=True)
    assert private_dirs.remove_private_dir(inner) == server.private_dir
    assert not server.private_dir.exists()


@as_root
def test_a_checkout_made_anew_does_not_take_over_the_data_of_a_removed_one(folder, started):
    folder.chmod(0o700)
    inner = folder / "checkout"
    inner.mkdir()
    first = started(servers.Postgres(inner, fast=True))
    databases.ensure(first.url, "old")
    first.process.kill()
    first.process.wait()
    shutil.rmtree(inner)
    inner.mkdir()

    second = started(servers.Postgres(inner, fast=True))

    assert second.data == first.data
    assert "old" not in names_at(second.url)
    second.stop(at_once=True)
    private_dirs.remove_private_dir(inner)


def test_servers_need_no_program_on_the_path(folder, started, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))

    server = started(servers.Postgres(folder, fast=True))

    assert "template1" in names_at(server.url)
    assert started(servers.Redis(folder)).port


@as_root
def test_a_room_that_a_stranger_prepared_is_not_entered(folder):
    folder.chmod(0o700)
    inner = folder / "checkout"
    inner.mkdir()
    trap = private_dirs.private_dir_of(inner)
    trap.symlink_to("/tmp")

    try:
        with pytest.raises(private_dirs.PrivateDirRefused, match="move it away"):
            servers.Postgres(inner)
    finally:
        trap.unlink()


def test_servers_end_with_whoever_started_them(folder):
    code = (
        "import sys, time; from pathlib import Path; from partnerhub.local import servers\n"
        "folder = Path(sys.argv[1])\n"
        "for server in (servers.Postgres(folder, fast=True), servers.Redis(folder)):\n"
        "    server.start(folder / 'log'); print(server.process.pid, flush=True)\n"
        "time.sleep(300)"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        pids = [int(starter.stdout.readline()) for _ in range(2)]
        starter.send_signal(signal.SIGKILL)

    from partnerhub.local.reaper import is_alive

    wait_for(lambda: not any(is_alive(pid) for pid in pids))
