"""Packages come out of real indexes: what is pinned is installed, whatever else they offer."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sysconfig
import zipfile

import pytest

from partnerhub.local import bootstrap


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment of its own, with pip as Python brings it and this one's uv in sight."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([bootstrap.find_python(), "-m", "venv", str(venv)], check=True)
    [site] = venv.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


@pytest.fixture
def indexes(tmp_path, environment, monkeypatch):
    """Two indexes beside an empty main one, told to pip as by an administrator's pip.conf."""
    main, first, second = (tmp_path / name for name in ("main", "first", "second"))
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    config = tmp_path / "pip.conf"
    told = {"index": main.as_uri(), "extra-index": f"{first.as_uri()} {second.as_uri()}"}
    lines = [f"{name}-url = {places}" for name, places in told.items()]
    config.write_text("\n".join(["[global]", *lines]))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(bootstrap, "PYTHON", environment / "bin" / "python")
    return first, second


def offer(index, name, version, *needs):
    """Put a wheel into an index; return the line that pins it, with the extras of its name."""
    package = name.partition("[")[0]
    folder = index / package
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{package}-{version}-py3-none-any.whl"
    about = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\nProvides-Extra: more\n"
    files = {
        f"{package}.py": f"VERSION = {version!r}\n",
        f"{about}/METADATA": metadata + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)
    links = "".join(f'<a href="{file.name}">{file.name}</a>\n' for file in folder.glob("*.whl"))
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}</body></html>\n")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def install(tmp_path, monkeypatch, *pins, uv):
    """Install the pins, with uv or with pip because uv is not to be had."""
    uv_pin = tmp_path / "uv.txt"
    uv_pin.write_text("" if uv else "no-such-uv==1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(bootstrap, "UV_PIN", uv_pin)
    requirements = tmp_path / "dev.txt"
    requirements.write_text("".join(pins))
    bootstrap._install_packages(requirements, again=True)


def installed(name):
    command = [bootstrap.PYTHON, "-c", f"import {name}; print({name}.VERSION)"]
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
