"""The newest Python that we support is taken, wherever it lies and whatever its name."""

from __future__ import annotations

import sys

import pytest

from partnerhub.local import find_python, wheel_table


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A machine without any Python, but for those that a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(find_python, "HOMES", ())
    monkeypatch.setattr(sys, "executable", "/no/such/python")

    def put(name, version, lacks=""):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho noise\necho '{version}:{lacks}'\n")
        path.chmod(0o755)
        return str(path)

    return put


def test_the_newest_of_several_is_taken(here):
    here("python3.11", "3.11")
    newest = here("python3.13", "3.13")
    here("python3", "3.12")

    assert find_python.find_python() == newest


def test_a_plain_python3_is_taken_when_it_is_the_newest(here):
    here("python3.11", "3.11")
    newest = here("python3", "3.14")

    assert find_python.find_python() == newest


@pytest.mark.parametrize(
    ("version", "lacks"),
    [
        ("3.10", ""),
        ("3.15", ""),
        ("3.14", "without its modules venv and ensurepip"),
        ("3.14", "free-threaded, which packages have no wheels for"),
    ],
)
def test_one_that_would_not_do_is_passed_over(here, version, lacks):
    here("python3", version, lacks)
    good = here("python3.11", "3.11")

    assert find_python.find_python() == good


def test_one_that_does_not_run_is_passed_over(here, tmp_path):
    (tmp_path / "python3.14").write_text("#!/no/such/interpreter\n")
    (tmp_path / "python3.14").chmod(0o755)
    (tmp_path / "python3.13").write_text("#!/bin/sh\necho not found >&2; exit 127\n")
    (tmp_path / "python3.13").chmod(0o755)
    good = here("python3.12", "3.12")

    assert find_python.find_python() == good


def test_the_one_that_is_asked_for_is_taken(here, monkeypatch):
    here("python3.14", "3.14")
    asked = here("python3.12", "3.12")
    monkeypatch.setenv("PYTHON", "python3.12")

    assert find_python.find_python() == asked


@pytest.mark.parametrize("version", ["3.10", "3.15"])
def test_without_a_usable_one_it_says_what_was_found_and_what_it_needs(here, version):
    path = here("python3", version)

    with pytest.raises(SystemExit) as stopped:
        find_python.find_python()

    words = str(stopped.value)
    assert "This needs Python 3.11 to 3.14 with its modules venv and ensurepip" in words
    assert f"{path} ({version})" in words


def test_what_it_lacks_is_said(here):
    path = here("python3", "3.13", "without its modules venv and ensurepip")

    with pytest.raises(SystemExit) as stopped:
        find_python.find_python()

    assert f"{path} (3.13, without its modules venv and ensurepip)" in str(stopped.value)


def test_without_any_it_says_so(here):
    with pytest.raises(SystemExit, match="found only:\n  none that runs"):
        find_python.find_python()


def test_a_real_one_tells_its_version():
    found = find_python._look_at(sys.executable)

    assert found is not None
    assert found.version == sys.version_info[:2]


def test_a_lock_has_wheels_for_whatever_python_is_taken():
    assert wheel_table.PYTHONS == ("3.11", "3.12", "3.13", "3.14")
