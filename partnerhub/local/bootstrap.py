"""The way from a bare Python to the product's own: takes the lock, builds `.venv`, hands over.

Run by path with whatever `python3` is there, so this file and those of ours that it imports use
the standard library only, and nothing that an old Python could not read far enough to say what
is missing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import IO

if not __package__:  # run by path: ours are not found otherwise
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from partnerhub.local.checkout import (
    PYTHON,
    die_with_parent,
    open_lock,
    parse,
    say,
    stop,
    try_lock,
)
from partnerhub.local.checkout import ROOT as ROOT
from partnerhub.local.checkout import RUN as RUN
from partnerhub.local.install_packages import install

TIDY_SECONDS = 30.0
#: What would have our Python look for its modules elsewhere; and the last, which is usual in
#: containers, would have each of our many processes compile each module anew.
NOT_OURS = (
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
    "PYTHONDONTWRITEBYTECODE",
)

# name: (requirement set, module to hand over to, does it need `.run/` for itself)
COMMANDS = {
    "run": ("local", "partnerhub.local.supervisor", True),
    "simulator": ("local", "partnerhub.local.supervisor", True),
    "reset": ("local", "partnerhub.local.reset", True),
    "test": ("dev", "partnerhub.local.run_tests", False),
    "test-long": ("dev", "partnerhub.local.run_tests", False),
    "test-changed": ("dev", "partnerhub.local.changed_tests", False),
    "bench": ("local", "benchmarks", False),
    "chaos": ("local", "chaos", False),
    "soak": ("local", "chaos", False),
    "check": ("dev", "partnerhub.local.run_checks", False),
    "lock": ("dev", "partnerhub.local.lock_requirements", False),
    "messages": ("dev", "partnerhub.local.run_manage", False),
    "migrations": ("dev", "partnerhub.local.run_manage", False),
}


def main(argv: list[str]) -> None:
    """Do one command of the Makefile: set up what it needs, then become it."""
    if len(argv) < 2 or argv[1] not in COMMANDS:
        stop("Usage: bootstrap.py " + "|".join(COMMANDS))
    requirement_set, module, exclusive = COMMANDS[argv[1]]
    os.chdir(ROOT)
    die_with_parent()
    for name in NOT_OURS:
        os.environ.pop(name, None)
    make_run_folder()
    if exclusive:
        lock = take_run_lock()
        os.set_inheritable(lock.fileno(), True)
        os.environ["RUN_LOCK_FD"] = str(lock.fileno())
    install(requirement_set)
    os.execv(PYTHON, [str(PYTHON), "-m", module, *argv[1:]])  # noqa: S606 - our own Python


def make_run_folder() -> None:
    """Make `.run/`: for us alone, or, as root, passable for the database's own user."""
    try:
        RUN.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        if not os.access(RUN, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable for you")
    except OSError as error:
        stop(f"Can't use {RUN}: {error.strerror}. Was it made by another user?")


def take_run_lock() -> IO[str]:
    """Lock `.run/` for this process and what it becomes; refuse with words if it is in use."""
    file = open_lock(RUN / "lock")
    end = time.monotonic() + TIDY_SECONDS
    told = False
    while not try_lock(file):
        file.seek(0)
        holder = parse(file.read())
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


if __name__ == "__main__":
    try:
        main(sys.argv)
    except KeyboardInterrupt:
        stop("\nStopped; the next try takes up from here.")
