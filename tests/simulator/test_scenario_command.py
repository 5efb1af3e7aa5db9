"""`python -m simulator scenario`, for whoever has no account yet."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.simulator.conftest import TOKEN
from tests.simulator_process import ROOT, SimulatorProcess


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the simulator's database."""
    environment = dict(os.environ)
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    program = [sys.executable, "-m", "simulator", "scenario", *arguments]
    return subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


def told(text: str, name: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(name))
    return line.removeprefix(name).strip()


def test_without_a_name_it_lists_them(simulator: SimulatorProcess):
    done = run()

    assert done.returncode == 0
    assert "bad-night" in done.stdout
    assert "A partner's first day" in done.stdout


def test_a_stranger_gets_all_that_is_needed_to_begin(simulator: SimulatorProcess):
    done = run("admin-first")

    token, home = told(done.stdout, "token"), told(done.stdout, "provisioning ID")
    answer = simulator.call("GET", f"/broadworks/subscribers?provisioningId={home}", token)
    assert len(answer.json()["items"]) == 18
    user_id, password, _, _ = done.stdout.partition("logins\n")[2].splitlines()[0].split()
    assert simulator.login(user_id, password).status_code == 200


def test_played_again_it_is_the_same_place(simulator: SimulatorProcess):
    first = run("twins-and-strangers").stdout

    assert run("twins-and-strangers").stdout == first


def test_it_plays_in_a_given_account(simulator: SimulatorProcess):
    done = run("end-of-a-customer", "--token", TOKEN, "--provisioning-id", "mine", "--pace", "0.5")

    assert done.returncode == 0
    answer = simulator.call("GET", "/broadworks/subscribers?provisioningId=mine", TOKEN)
    assert len(answer.json()["items"]) == 24


def test_what_cannot_be_is_refused_with_words(simulator: SimulatorProcess):
    unknown = run("nonsense")
    tokenless = run("admin-first", "--provisioning-id", "mine")
    homeless = run("admin-first", "--token", TOKEN)

    assert (unknown.returncode, tokenless.returncode, homeless.returncode) == (1, 1, 1)
    assert "there is no scenario 'nonsense'" in unknown.stderr
    assert "needs the --token" in tokenless.stderr
    assert "provisioning_id is missing" in homeless.stderr
