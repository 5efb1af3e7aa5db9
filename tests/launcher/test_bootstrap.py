"""One run per checkout; an environment that is whole, or made whole."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from partnerhub.local import bootstrap, checkout, find_python, install_packages, wheel_table
from tests.launcher.conftest import ROOT, wait_for

BOOTSTRAP = ("checkout", "find_python", "install_packages")


def second(play):
    return subprocess.run(
        play.command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_second_run_is_refused_with_the_process_and_the_address(play):
    play.has("web").start().until_ready()

    refused = second(play)

    assert refused.returncode == 1
    assert f"process {play.supervisor()}" in refused.stderr
    assert "http://127.0.0.1:1" in refused.stderr
    assert play.process.poll() is None


def test_a_run_right_after_a_kill_waits_for_the_remains_instead_of_refusing(play):
    play.has("web").start().until_ready()
    os.kill(play.supervisor(), signal.SIGKILL)
    play.process.wait(100)

    play.start().until_ready()

    play.process.terminate()
    assert play.process.wait(100) == 0


def test_a_lock_file_left_by_a_crash_is_no_lock(play):
    (play.folder / "lock").write_text(json.dumps({"pid": os.getpid(), "url": "http://old"}))

    play.has("web").start().until_ready()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A checkout with requirement files, and an installer that only notes what it was asked."""
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    (requirements / "local.txt").write_text("a==1 \\\n    --hash=sha256:x\n")
    (requirements / "dev.txt").write_text("a==1 \\\n    --hash=sha256:x\nb==2 \\\n")
    (tmp_path / ".run").mkdir()
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "RUN": tmp_path / ".run",
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STAMP": venv / "stamp",
        "UNFINISHED": venv / "unfinished",
    }.items():
        monkeypatch.setattr(install_packages, name, value)
    monkeypatch.setattr(bootstrap, "RUN", tmp_path / ".run")
    asked = []
    monkeypatch.setattr(install_packages, "_make_venv", lambda: make_venv(asked))
    monkeypatch.setattr(install_packages, "_is_usable", lambda python: python.exists())
    monkeypatch.setattr(
        install_packages,
        "_install_packages",
        lambda path, *, again: asked.append(f"{path.stem}{' again' if again else ''}"),
    )
    return asked


def make_venv(asked):
    asked.append("venv")
    install_packages.PYTHON.parent.mkdir(parents=True)
    install_packages.PYTHON.touch()
    install_packages.UNFINISHED.touch()


def test_the_second_time_nothing_is_installed(place):
    install_packages.install("local")
    install_packages.install("local")

    assert place == ["venv", "local"]


def test_the_larger_set_holds_the_smaller_one(place):
    install_packages.install("dev")
    install_packages.install("local")

    assert place == ["venv", "dev"]


def test_tests_after_a_run_add_what_they_need_and_the_run_stays_served(place):
    install_packages.install("local")
    install_packages.install("dev")
    install_packages.install("local")

    assert place == ["venv", "local", "dev"]


def test_changed_requirements_are_installed(place):
    install_packages.install("local")
    (install_packages.ROOT / "requirements" / "local.txt").write_text("a==3\n")
    install_packages.install("local")

    assert place == ["venv", "local", "local"]


def test_an_interrupted_installation_starts_over(place):
    install_packages.install("local")
    install_packages.UNFINISHED.touch()

    install_packages.install("local")

    assert place == ["venv", "local", "venv", "local again"]
    assert not install_packages.UNFINISHED.exists()


def test_an_interrupted_installation_below_a_running_product_is_mended_in_place(place):
    install_packages.install("local")
    install_packages.UNFINISHED.touch()

    with bootstrap.take_run_lock():
        install_packages.install("dev")

    assert place == ["venv", "local", "dev again"]


def test_a_python_that_has_gone_makes_a_new_environment(place):
    install_packages.install("local")
    install_packages.PYTHON.unlink()
    install_packages.PYTHON.symlink_to("/no/such/python")

    install_packages.install("local")

    assert place == ["venv", "local", "venv", "local"]


def test_a_python_that_became_another_is_looked_at_again(place, tmp_path):
    """As when the system's next release brings a newer one under the same name."""
    install_packages.install("local")
    newer = tmp_path / "python3.14"
    newer.touch()
    install_packages.PYTHON.unlink()
    install_packages.PYTHON.symlink_to(newer)

    install_packages.install("local")

    assert place == ["venv", "local", "local"]


def test_an_environment_is_of_use_while_its_python_is_supported(monkeypatch):
    ours = Path(sys.executable)
    assert install_packages._is_usable(ours)

    monkeypatch.setattr(install_packages, "SUPPORTED", ((3, 9), (3, 10)))

    assert not install_packages._is_usable(ours)


def test_the_locked_sets_contain_each_other():
    pins = [install_packages._pins(name) for name in ("prod", "local", "dev")]

    assert pins[0]
    assert pins[0] < pins[1] < pins[2]


@pytest.mark.parametrize("name", ["prod", "local", "dev"])
def test_every_pin_has_a_hash_and_names_no_registry(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())

    assert all("--hash=sha256:" in block for block in blocks if not block.startswith("#"))
    assert "://" not in text


def test_a_pin_names_the_extras_by_which_another_package_asks_for_it():
    """Without them, pip before 23.3 takes the newest release instead of the pinned one."""
    wanted = map(Requirement, wheel_table.pins(ROOT / "requirements" / "dev.txt"))
    pins = {str(need).partition("==")[0] for need in wanted if here(need)}
    asked = {
        f"{need.name}[{','.join(sorted(need.extras))}]"
        for name in pins
        for need in needs(name)
        if need.extras
    }

    assert "coverage[toml]" in asked
    assert asked <= pins


def needs(pinned):
    """Yield what a pinned package asks for here, with the extras that its pin names."""
    wanted = Requirement(pinned)
    for text in metadata.requires(wanted.name) or []:
        need = Requirement(text)
        if here(need, *wanted.extras):
            yield need


def here(need, *extras):
    """Tell whether a requirement's marker holds for this Python and machine."""
    return not need.marker or any(need.marker.evaluate({"extra": e}) for e in ["", *extras])


@pytest.mark.parametrize("module", [bootstrap, checkout, find_python, install_packages])
def test_the_bootstrap_is_readable_by_any_python_and_needs_nothing(module):
    source = Path(module.__file__).read_text()
    ast.parse(source, feature_version=(3, 7))
    modules = set(re.findall(r"^ *(?:from|import) ([\w.]+)", source, re.MULTILINE))
    ours = {name for name in modules if name.startswith("partnerhub.")}

    assert {name.partition(".")[0] for name in modules - ours} <= sys.stdlib_module_names
    assert ours <= {f"partnerhub.local.{name}" for name in BOOTSTRAP}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "eighty", "PORT must be a number"),
        ("PORT", "70000", "PORT must be a number"),
        ("PORT", "8001", "must differ"),
    ],
)
def test_a_port_that_is_none_is_refused_with_words(name, value, words, monkeypatch):
    from partnerhub.local import supervisor

    monkeypatch.setenv(name, value)

    with pytest.raises(supervisor.Refused, match=words):
        supervisor.find_place(simulator_only=False)


def test_a_taken_port_is_refused_with_words():
    import socket

    from partnerhub.local import supervisor

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(supervisor.Refused, match=f"Port {port} is taken.*make run PORT="):
            supervisor.check_port("PORT", port)


def test_waiting_really_fails_when_nothing_happens():
    with pytest.raises(AssertionError, match="never came true"):
        wait_for(lambda: False, seconds=0.05)
