"""Package indexes in folders, with what a test puts there; pip is told of them as by pip.conf."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sysconfig
import tarfile
import zipfile

import pytest

from partnerhub.local import install_packages
from partnerhub.local.find_python import find_python


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment of its own, with pip as Python brings it and this one's uv in sight."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([find_python(), "-m", "venv", str(venv)], check=True)
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
    monkeypatch.setattr(install_packages, "PYTHON", environment / "bin" / "python")
    return first, second


def offer(index, name, version, *needs, tag="py3-none-any"):
    """Put a wheel into an index; return the line that pins it, with the extras of its name."""
    package = name.partition("[")[0]
    folder = index / package
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{package}-{version}-{tag}.whl"
    about = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\nProvides-Extra: more\n"
    files = {
        f"{package}.py": f"VERSION = {version!r}\n",
        f"{about}/METADATA": metadata + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)
    return put_up(wheel, f"{name}=={version}")


def put_up(file, pin):
    """List a file in its folder's page of the index; return the pin with the file's hash."""
    page = file.with_name("index.html")
    text = page.read_text() if page.exists() else "<!DOCTYPE html>\n"
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    page.write_text(f'{text}<a href="{file.name}#sha256={found}">{file.name}</a>\n')
    return f"{pin} --hash=sha256:{found}\n"


def offer_source(index, name, version, built):
    """Put a source archive into an index that makes the file `built` when it is built."""
    folder = index / name
    folder.mkdir(parents=True)
    setup = f"open({str(built)!r}, 'w').close()\nfrom setuptools import setup\nsetup()\n".encode()
    archive = folder / f"{name}-{version}.tar.gz"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    with tarfile.open(archive, "w:gz") as packed:
        for path, content in {"setup.py": setup, "PKG-INFO": about}.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return put_up(archive, f"{name}=={version}")
