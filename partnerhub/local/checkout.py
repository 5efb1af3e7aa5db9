"""Where the parts of this checkout lie, and what every step of its set-up needs.

Standard library only, and readable by an old Python: bootstrap.py is the one who says what for.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


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


def run(
    command: list[str], *, kept: bool = False, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that dies with us; what it prints is shown, or kept in `stdout`."""
    return subprocess.run(  # noqa: S603 - our own command line
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if kept else None,
        stderr=subprocess.STDOUT if kept else None,
        text=True,
        env={**os.environ, **(environment or {})},
        preexec_fn=die_with_parent,
    )


def open_lock(path: Path) -> IO[str]:
    """Open a lock file, made where it is missing."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def try_lock(file: IO[str]) -> bool:
    """Take the lock if nobody holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def parse(text: str) -> dict[str, str]:
    """Read one of our small JSON files; empty when it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
