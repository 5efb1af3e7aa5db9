"""The way from a bare Python to the product's own: takes the lock, builds `.venv`, hands over.

Run by path with whatever `python3` is there, so: standard library only, no import of ours, and
nothing that an old Python could not read far enough to say what is missing.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "partnerhub-installed.json"
UNFINISHED = VENV / "partnerhub-unfinished"
UV_PIN = ROOT / "partnerhub" / "local" / "uv.txt"
OLDEST = (3, 11)
TIDY_SECONDS = 30.0

# name: (requirement set, module to hand over to, does it need `.run/` for itself)
COMMANDS = {
    "run": ("local", "partnerhub.local.supervisor", True),
    "simulator": ("local", "partnerhub.local.supervisor", True),
    "reset": ("local", "partnerhub.local.reset", True),
    "test": ("dev", "partnerhub.local.run_tests", False),
    "bench": ("local", "benchmarks", False),
    "chaos": ("local", "chaos", False),
    "soak": ("local", "chaos", False),
    "check": ("dev", "partnerhub.local.run_checks", False),
    "lock": ("dev", "partnerhub.local.lock_requirements", False),
    "messages": ("dev", "partnerhub.local.make_messages", False),
}


def main(argv: list[str]) -> None:
    """Do one command of the Makefile: set up what it needs, then become it."""
    if len(argv) < 2 or argv[1] not in COMMANDS:
        stop("Usage: bootstrap.py " + "|".join(COMMANDS))
    requirement_set, module, exclusive = COMMANDS[argv[1]]
    os.chdir(ROOT)
    die_with_parent()
    for name in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"):
        os.environ.pop(name, None)
    make_run_folder()
    if exclusive:
        lock = take_run_lock()
        os.set_inheritable(lock.fileno(), True)
        os.environ["RUN_LOCK_FD"] = str(lock.fileno())
    install(requirement_set)
    os.execv(PYTHON, [str(PYTHON), "-m", module, *argv[1:]])  # noqa: S606 - our own Python


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)  # noqa: T201 - this is the command line's voice


def stop(text: str) -> NoReturn:
    """End with words instead of a traceback."""
    sys.stdout.flush()
    sys.exit(text)


def die_with_parent() -> None:
    """End when `make` is killed, while installing and, as it survives exec, ever after.

    SIGUSR1, because the supervisor has to tell this from a stop that somebody asked for.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGUSR1))
    if os.getppid() != parent:
        sys.exit(1)


def make_run_folder() -> None:
    """Make `.run/`: for us alone, or, as root, passable for the database's own user."""
    try:
        RUN.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        if not os.access(RUN, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable for you")
    except OSError as error:
        stop(f"Can't use {RUN}: {error.strerror}. Was it made by another user?")


def _open_lock(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def take_run_lock() -> IO[str]:
    """Lock `.run/` for this process and what it becomes; refuse with words if it is in use."""
    file = _open_lock(RUN / "lock")
    end = time.monotonic() + TIDY_SECONDS
    told = False
    while not _try_lock(file):
        file.seek(0)
        holder = _parse(file.read())
        pid = int(holder.get("pid") or 0)
        if is_alive(pid) or time.monotonic() > end:
            where = f" at {holder['url']}" if holder.get("url") else ""
            stop(
                f"Refused: this checkout is in use already{where} (process {pid or 'unknown'}).\n"
                f"Stop that one first, with Ctrl-C in its terminal or: kill {pid or '<process>'}"
            )
        if not told:
            say("Waiting for what the last run left behind to end ...")
            told = True
        time.sleep(0.1)
    write_lock(file, url="")
    return file


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_lock(file: IO[str], *, url: str) -> None:
    """Write who holds the lock, for the words of a refusal."""
    file.seek(0)
    file.truncate()
    file.write(json.dumps({"pid": os.getpid(), "url": url}))
    file.flush()


def is_alive(pid: int) -> bool:
    """Tell whether a process of this id runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        if pid <= 0:
            return False
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except (OSError, IndexError):
        return True  # another user's process, or no /proc here
    return state not in "ZX"


def _parse(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def install(requirement_set: str) -> None:
    """Make `.venv` hold the requirement set, exactly as locked; costs nothing when it does."""
    if _is_installed(requirement_set):
        return
    with _open_lock(RUN / "install.lock") as file:
        if not _try_lock(file):
            say("Waiting for another command of this checkout to finish installing ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_installed(requirement_set):
            return
        say(f"Installing what requirements/{requirement_set}.txt lists into .venv ...")
        again = UNFINISHED.exists()
        if (again and not _is_in_use()) or not _works(PYTHON):
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
    text = _requirements(requirement_set).read_text()
    return set(re.findall(r"^[\w.,\-\[\]]+==\S+", text, re.MULTILINE))


def _stamps() -> dict[str, str]:
    return _parse(STAMP.read_text()) if STAMP.exists() else {}


def _is_installed(requirement_set: str) -> bool:
    """Tell by the stamp; a broken link to a Python that has gone counts as not installed."""
    whole = PYTHON.exists() and not UNFINISHED.exists()
    return whole and _stamps().get(requirement_set) == _mark(requirement_set)


def _write_stamp(installed: str) -> None:
    """Note what `.venv` holds now: installing one set can complete the other, or spoil it."""
    stamps = {}
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
    with _open_lock(RUN / "lock") as file:
        return not _try_lock(file)


def _works(python: Path) -> bool:
    return python.exists() and _call([str(python), "-m", "pip", "--version"], quiet=True) == 0


def _call(
    command: list[str], *, quiet: bool = False, environment: dict[str, str] | None = None
) -> int:
    """Run a command that dies with us; return its exit code."""
    out = subprocess.DEVNULL if quiet else None
    env = {**os.environ, **(environment or {})}
    return subprocess.call(  # noqa: S603 - our own command line
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
        preexec_fn=die_with_parent,
    )  # fmt: skip


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
    if _call([base, "-m", "venv", str(VENV)]):
        stop(f"{base} could not make a virtual environment in {VENV}; its own words are above.")


def find_python() -> str:
    """Return a Python that is new enough and can make a virtual environment, or end with words."""
    test = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST})"
    homes = ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"]
    names = ["python3.11", "python3.12", "python3.13", "python3"]
    candidates = [sys.executable, *(shutil.which(name) or "" for name in names)]
    candidates += [f"{home}/{name}" for home in homes for name in names]
    tried = []
    for candidate in dict.fromkeys(candidates):
        if candidate and os.access(candidate, os.X_OK):
            if _call([candidate, "-c", test], quiet=True) == 0:
                return candidate
            tried.append(candidate)
    stop(
        "This needs Python 3.11 or newer with its modules venv and ensurepip, and found only:\n  "
        + "\n  ".join(tried)
        + "\nOn Debian or Ubuntu, as root: apt-get install python3.11 python3.11-venv"
    )


def _install_packages(requirements: Path, *, again: bool) -> None:
    """Install with uv, which is quick; with pip where uv can't, as only pip reads pip.conf."""
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pip += ["--require-hashes"]
    uv = [str(PYTHON), "-m", "uv", "pip", "install", "-q", "--python", str(PYTHON)]
    # As pip does, take a version from any index that has it: the hash says that it's the one.
    uv += ["--index-strategy", "unsafe-best-match"]
    uv += ["--require-hashes", "--system-certs", "-r", str(requirements)]
    uv += ["--reinstall"] if again else []
    settings = _pip_settings()
    if _call([*pip, "-r", str(UV_PIN)]) == 0 and _call(uv, environment=settings) == 0:
        return
    say("uv could not install that; trying again with pip, which takes about a minute ...")
    pip += ["--force-reinstall"] if again else []
    if _call([*pip, "-r", str(requirements)]):
        stop(
            "The packages could not be installed; pip's own words are above.\n"
            "Is the package index reachable? The next try starts over."
        )


def _pip_settings() -> dict[str, str]:
    """Return for uv what pip is told by its own files and environment: mirror and certificates."""
    asked = [str(PYTHON), "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    line = r"^(?:global|install|:env:)\.([\w-]+?)(?:-url)?='(.*)'$"
    told = dict(re.findall(line, listed, re.MULTILINE))
    names = {"index": "UV_DEFAULT_INDEX", "extra-index": "UV_INDEX", "cert": "SSL_CERT_FILE"}
    found = {names[key]: value for key, value in told.items() if key in names}
    return {name: value for name, value in found.items() if name not in os.environ}


if __name__ == "__main__":
    try:
        main(sys.argv)
    except KeyboardInterrupt:
        stop("\nStopped; the next try takes up from here.")
