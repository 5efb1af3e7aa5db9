"""Packages come out of real indexes: what is pinned is installed, whatever else they offer."""

from __future__ import annotations

import re
import subprocess

import pytest

from partnerhub.local import install_packages
from tests.launcher.package_index import offer, offer_source

#: They prove the installer with real ones, some seconds each.
pytestmark = pytest.mark.long


def install(tmp_path, monkeypatch, *pins, uv):
    """Install the pins, with uv or with pip because uv is not to be had."""
    uv_pin = tmp_path / "uv.txt"
    uv_pin.write_text("" if uv else "no-such-uv==1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(install_packages, "UV_PIN", uv_pin)
    requirements = tmp_path / "dev.txt"
    requirements.write_text("".join(pins))
    install_packages._install_packages(requirements, again=True)


def installed(name):
    command = [install_packages.PYTHON, "-c", f"import {name}; print({name}.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_newer_release_than_the_pin_is_left(uv, indexes, tmp_path, monkeypatch, capfd):
    index, _ = indexes
    wanted = offer(index, "measure[more]", "1.0")
    offer(index, "measure", "1.1")
    asks = offer(index, "runner", "2.0", "measure[more]>=1")

    install(tmp_path, monkeypatch, wanted, asks, uv=uv)

    assert (installed("measure"), installed("runner")) == ("1.0", "2.0")
    assert ("trying again with pip" in capfd.readouterr().out) is not uv


def test_a_version_that_only_a_further_index_has_is_found(indexes, tmp_path, monkeypatch, capfd):
    first, second = indexes
    offer(first, "broker", "5.3")
    wanted = offer(second, "broker", "5.4")

    install(tmp_path, monkeypatch, wanted, uv=True)

    assert installed("broker") == "5.4"
    assert "trying again with pip" not in capfd.readouterr().out


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_package_that_the_lock_file_lacks_ends_with_words(uv, indexes, tmp_path, monkeypatch):
    index, _ = indexes
    offer(index, "needed", "1.0")
    asks = offer(index, "asking", "1.0", "needed")

    with pytest.raises(SystemExit, match="could not be installed"):
        install(tmp_path, monkeypatch, asks, uv=uv)


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_file_with_another_hash_is_refused(uv, indexes, tmp_path, monkeypatch):
    index, _ = indexes
    pin, _, _ = offer(index, "changed", "1.0").partition("sha256:")

    with pytest.raises(SystemExit, match="could not be installed"):
        install(tmp_path, monkeypatch, f"{pin}sha256:{'0' * 64}\n", uv=uv)


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_a_package_without_a_wheel_for_this_python_is_named(uv, indexes, tmp_path, monkeypatch):
    index, _ = indexes
    wanted = offer(index, "compiled", "1.0", tag="cp39-cp39-manylinux_2_17_x86_64")

    with pytest.raises(SystemExit) as stopped:
        install(tmp_path, monkeypatch, wanted, uv=uv)

    words = str(stopped.value)
    assert re.match(r"There is no wheel of compiled 1\.0 for Python 3\.\d+, \w+ \w+ \(.+\)", words)
    assert "Python 3.11 to 3.14" in words
    assert len(words.splitlines()) <= 3


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_nothing_is_compiled(uv, indexes, tmp_path, monkeypatch):
    index, _ = indexes
    built = tmp_path / "built"
    wanted = offer_source(index, "sources", "1.0", built)

    with pytest.raises(SystemExit, match=r"no wheel of sources 1\.0 .* nothing is compiled"):
        install(tmp_path, monkeypatch, wanted, uv=uv)

    assert not built.exists()


def test_a_wheel_that_only_pip_knows_the_place_of_is_installed(indexes, tmp_path, monkeypatch):
    """Where pip is told of a place by a setting that uv has no word for."""
    wanted = offer(tmp_path / "elsewhere", "hidden", "1.0")
    config = tmp_path / "pip.conf"
    config.write_text(f"{config.read_text()}\nfind-links = {tmp_path}/elsewhere/hidden\n")
    monkeypatch.setenv("UV_FIND_LINKS", str(indexes[0].parent))

    install(tmp_path, monkeypatch, wanted, uv=True)

    assert installed("hidden") == "1.0"


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_an_index_that_does_not_answer_is_no_missing_wheel(uv, indexes, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    pin = f"away==1.0 --hash=sha256:{'0' * 64}\n"

    with pytest.raises(SystemExit, match="Is the package index reachable"):
        install(tmp_path, monkeypatch, pin, uv=uv)
