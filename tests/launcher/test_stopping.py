"""However it ends, nothing is left: signals, a killed supervisor or make, a closed terminal."""

from __future__ import annotations

import os
import signal

import pytest

from tests.launcher.conftest import ROOT, wait_for


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_stops_all_in_order(play, number):
    play.has("database", stop_rank=4).has("web").has("worker", stop_rank=1).start().until_ready()

    play.process.send_signal(number)

    assert play.process.wait(100) == 0
    assert play.ends() == ["web", "worker", "database"]
    assert play.pids() == []


def test_a_second_signal_during_the_stop_is_ignored(play):
    play.has("slow", pause=1).has("database", stop_rank=4).start().until_ready()

    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        play.process.send_signal(number)
        wait_for(lambda: "Stopping" in play.text())

    assert play.process.wait(100) == 0
    assert play.ends() == ["slow", "database"]


def test_a_signal_to_the_whole_group_is_one_stop(play):
    play.has("web").has("database", stop_rank=4).start().until_ready()

    os.killpg(play.process.pid, signal.SIGINT)

    assert play.process.wait(100) == 0
    assert play.ends() == ["web", "database"]


def test_what_ignores_the_signal_is_killed_with_its_children(play):
    play.has("deaf", "trap '' TERM; sleep 300 & sleep 300 & up; wait; wait", stop_seconds=0.3)
    play.start().until_ready()

    play.process.terminate()

    assert play.process.wait(100) == 0
    assert play.pids() == []


def test_a_killed_supervisor_leaves_nothing(play):
    play.has("web").has("forking", "sleep 300 & sleep 300 & up; wait").start().until_ready()
    assert len(play.pids()) >= 5

    play.process.kill()

    wait_for(lambda: not play.pids())


def test_a_supervisor_killed_with_its_whole_group_leaves_nothing(play):
    play.has("web").has("forking", "sleep 300 & sleep 300 & up; wait").start().until_ready()

    os.killpg(play.process.pid, signal.SIGKILL)

    wait_for(lambda: not play.pids())


def test_a_killed_parent_stops_all_in_order(play):
    shell = f"{' '.join(map(repr, play.command))} & wait"
    play.has("web").has("database", stop_rank=4).start(through=shell, shell=True).until_ready()
    assert play.supervisor() != play.process.pid

    play.process.kill()

    wait_for(lambda: not play.pids())
    assert play.ends() == ["web", "database"]


def test_a_closed_terminal_stops_all(play):
    ours, theirs = os.openpty()
    play.has("web").start(stdin=theirs, stderr=theirs)
    os.close(theirs)
    play.until_ready()

    os.close(ours)

    assert play.process.wait(100) == 0
    assert play.ends() == ["web"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_to_make_alone_stops_all(play, number, tmp_path):
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@exec {' '.join(play.command)}\n")
    play.has("web").has("database", stop_rank=4)
    play.write()
    play.start_make(makefile).until_ready()

    play.process.send_signal(number)

    wait_for(lambda: not play.pids())
    assert play.ends() == ["web", "database"]


def test_a_hang_up_of_a_make_that_ignores_interrupts_stops_all(play, tmp_path):
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@exec {' '.join(play.command)}\n")
    play.has("web").has("database", stop_rank=4)
    play.write()
    deaf_to = [signal.SIGINT]  # as in a script: make run &
    play.start_make(makefile, deaf_to=deaf_to).until_ready()

    play.process.send_signal(signal.SIGHUP)

    wait_for(lambda: not play.pids())
    assert play.ends() == ["web", "database"]


def test_output_that_nobody_reads_any_more_stops_nothing(play):
    play.has("web", f"echo $$ > {play.folder}/pid; up; exec sleep 300")
    reading, writing = os.pipe()
    play.start(stdout=writing)
    os.close(writing)
    os.close(reading)

    first = wait_for(lambda: (play.folder / "demo.json").exists() and play.demo()["processes"])
    os.kill(first["web"], signal.SIGKILL)

    wait_for(lambda: play.demo()["processes"]["web"] != first["web"])
    assert play.process.poll() is None


def test_the_makefile_becomes_the_program_in_every_recipe():
    lines = (ROOT / "Makefile").read_text().splitlines()
    recipes = [line for line in lines if line.startswith("\t@")]

    assert recipes
    assert all(line.startswith(("\t@exec ", "\t@$(BOOTSTRAP)")) for line in recipes)
