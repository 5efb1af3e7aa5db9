"""Makes `.venv` hold what a lock lists, wheels only: nothing is compiled here.

Standard library only, and readable by an old Python: bootstrap.py is the one who says what for.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
from pathlib import Path

from partnerhub.local.checkout import (
    PYTHON,
    ROOT,
    RUN,
    VENV,
    open_lock,
    parse,
    run,
    say,
    stop,
    try_lock,
)
from partnerhub.local.find_python import IN_WORDS, SUPPORTED, find_python

STAMP = VENV / "partnerhub-installed.json"
UNFINISHED = VENV / "partnerhub-unfinished"
UV_PIN = ROOT / "partnerhub" / "local" / "uv.txt"
MACHINES = "Linux on x86-64 or ARM64 with glibc 2.28 or newer, and macOS 11 or newer on ARM"
# A version from whichever index has it, as pip does: the hash says that it's the one.
UV_INDEXES = ("--index-strategy", "unsafe-best-match", "--system-certs")
# How uv and pip name what is not to be had for this Python on this machine.
_NOT_OFFERED = (
    r"Because (?:only )?([\w.-]+)(?:\[[\w,.-]+\])?==(\S+) has no (?:usable )?wheels",
    r"there (?:is|are) no versions? of ([\w.-]+)(?:\[[\w,.-]+\])?==([^\s,]+)",
    r"No matching distribution found for ([\w.-]+)(?:\[[\w,.-]+\])?==(\S+)",
)

_UNREACHABLE = "Retrying ("  # pip, of an index that does not answer


def install(requirement_set: str) -> None:
    """Make `.venv` hold the requirement set, exactly as locked; costs nothing when it does."""
    if _is_installed(requirement_set):
        return
    with open_lock(RUN / "install.lock") as file:
        if not try_lock(file):
            say("Waiting for another command of this checkout to finish installing ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_installed(requirement_set):
            return
        say(f"Installing what requirements/{requirement_set}.txt lists into .venv ...")
        again = UNFINISHED.exists()
        if (again and not _is_in_use()) or not _is_usable(PYTHON):
            _remove_venv()
            _make_venv()
        UNFINISHED.touch()
        _install_packages(_requirements(requirement_set), again=again)
        _write_stamp(requirement_set)
        UNFINISHED.unlink()


def _requirements(requirement_set: str) -> Path:
    return ROOT / "requirements" / f"{requirement_set}.txt"


def _mark(requirement_set: str) -> str:
    return hashlib.sha256(_requirements(requirement_set).read_bytes()).hexdigest()


def _pins(requirement_set: str) -> set[str]:
    """Return what a lock pins, for whatever Python and machine: `name==version`, no markers."""
    text = _requirements(requirement_set).read_text()
    return set(re.findall(r"^[\w.,\-\[\]]+==[^\s;\\]+", text, re.MULTILINE))


def _stamps() -> dict[str, str]:
    return parse(STAMP.read_text()) if STAMP.exists() else {}


def _is_installed(requirement_set: str) -> bool:
    """Tell by the stamp; a Python that has gone, or become another, counts as not installed."""
    whole = PYTHON.exists() and not UNFINISHED.exists()
    stamps = _stamps()
    same = stamps.get("python") == os.path.realpath(PYTHON)
    return whole and same and stamps.get(requirement_set) == _mark(requirement_set)


def _write_stamp(installed: str) -> None:
    """Note what `.venv` holds now: installing one set can complete the other, or spoil it."""
    stamps = {"python": os.path.realpath(PYTHON)}
    for other in ("local", "dev"):
        complete = _pins(other) <= _pins(installed)
        untouched = _pins(installed) <= _pins(other) and _stamps().get(other) == _mark(other)
        if complete or untouched:
            stamps[other] = _mark(other)
    STAMP.write_text(json.dumps(stamps))


def _is_in_use() -> bool:
    """Tell whether another process runs the product from this `.venv`."""
    if "RUN_LOCK_FD" in os.environ:  # it would be us, and we have only begun
        return False
    with open_lock(RUN / "lock") as file:
        return not try_lock(file)


def _is_usable(python: Path) -> bool:
    """Tell whether an environment's Python runs, finds its packages and is one we support."""
    test = f"import sys, pip; sys.exit(sys.version_info[:2] not in {SUPPORTED})"
    return python.exists() and run([str(python), "-c", test], kept=True).returncode == 0


def _remove_venv() -> None:
    """Remove what is there; a link to somebody else's environment is only taken away."""
    if VENV.is_symlink():
        VENV.unlink()
    else:
        shutil.rmtree(VENV, ignore_errors=True)


def _make_venv() -> None:
    base = find_python()
    VENV.mkdir()
    UNFINISHED.touch()
    if run([base, "-m", "venv", str(VENV)]).returncode:
        stop(f"{base} could not make a virtual environment in {VENV}; its own words are above.")


def _install_packages(requirements: Path, *, again: bool) -> None:
    """Install with uv, which is quick; with pip where uv can't, as only pip reads pip.conf."""
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pip += ["--only-binary", ":all:"]
    uv = [str(PYTHON), "-m", "uv", "pip", "install", "-q", "--python", str(PYTHON), *UV_INDEXES]
    uv += ["--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    uv += ["--reinstall"] if again else []
    if run([*pip, "--require-hashes", "-r", str(UV_PIN)]).returncode == 0:
        tried = run(uv, kept=True, environment=pip_settings())
        if tried.returncode == 0:
            return
        _stop_if_not_offered(tried.stdout, pip)
        say(tried.stdout)
    say("uv could not install that; trying again with pip, which takes about a minute ...")
    locked = [*pip, "--require-hashes", "-r", str(requirements)]
    tried = run([*locked, *(["--force-reinstall"] if again else [])], kept=True)
    if tried.returncode:
        _stop_if_not_offered(tried.stdout, pip)
        stop(
            f"{tried.stdout}\nThe packages could not be installed; pip's own words are above.\n"
            "Is the package index reachable? The next try starts over."
        )


def _stop_if_not_offered(words: str, pip: list[str]) -> None:
    """End with words when one package has no wheel here, which pip has to confirm.

    pip may know places that uv doesn't, and says the same of an index that it can't reach.
    """
    if _UNREACHABLE in words:
        return
    for name, version in not_offered(words):
        pin = f"{name}=={version}"
        alone = [*pip, "--no-deps", "--ignore-installed", "--dry-run", pin]
        asked = run(alone, kept=True)
        if asked.returncode and not_offered(asked.stdout) and _UNREACHABLE not in asked.stdout:
            stop(
                f"There is no wheel of {name} {version} for {_here()}, and nothing is compiled.\n"
                f"All packages have wheels for {IN_WORDS}, {MACHINES}.\n"
                "If this is such a machine, the package index in use does not offer them all."
            )


def not_offered(words: str) -> list[tuple[str, str]]:
    """Return name and version of what uv or pip say is not to be had."""
    return [found for form in _NOT_OFFERED for found in re.findall(form, words)]


def _here() -> str:
    """Return which Python on which machine this is, in words."""
    asked = run([str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], kept=True)
    system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
    library = " ".join(platform.libc_ver() if system == "Linux" else platform.mac_ver()[:1])
    return f"Python {asked.stdout.strip()}, {system} {platform.machine()} ({library.strip()})"


def pip_settings() -> dict[str, str]:
    """Return for uv what pip is told by its own files and environment: places, certificates."""
    asked = run([str(PYTHON), "-m", "pip", "config", "list"], kept=True).stdout
    line = r"^(?:global|install|:env:)\.([\w-]+?)(?:-url)?='(.*)'$"
    told = dict(re.findall(line, asked, re.MULTILINE))
    names = {"index": "UV_DEFAULT_INDEX", "extra-index": "UV_INDEX", "cert": "SSL_CERT_FILE"}
    found = {names[key]: value for key, value in told.items() if key in names}
    links = told.get("find-links", "").split()
    there = [place for place in links if "://" in place or os.path.isdir(place)]
    if there:  # uv stops at a folder that isn't there
        found["UV_FIND_LINKS"] = ",".join(there)
    return {name: value for name, value in found.items() if name not in os.environ}
