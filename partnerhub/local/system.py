"""What Linux and a Mac do differently."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from pathlib import Path


def is_mac() -> bool:
    """Tell whether this is a Mac."""
    return platform.system() == "Darwin"


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a child is dead, without collecting it: its id must stay its own for now.

    A Mac can't do that before Python 3.13. The group that is killed next keeps the id as long as
    it has a member; only an empty one's could go to a stranger in between.
    """
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return found is not None


def command_line(pid: str) -> str:
    """Return the command line of a process; empty when there is none."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{int(pid)}/cmdline").read_text(errors="replace")
        return text.replace("\0", " ")
    command = ["ps", "-ww", "-o", "command=", "-p", str(int(pid))]  # a system without /proc
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return ""


def initdb_locale() -> list[str]:
    """Return the order of letters for a new cluster: by code point, with Unicode's capitals.

    A Mac knows no C.UTF-8; PostgreSQL's own, which it brings along, orders and folds as that does.
    """
    if is_mac():
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def child_environment() -> dict[str, str]:
    """Return what processes that fork must be told: on a Mac, libraries that we use forbid it.

    Its frameworks end a forked process that asks for the proxy settings, and libpq's Kerberos
    does so with one that connects.
    """
    if is_mac():
        return {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "PGGSSENCMODE": "disable"}
    return {}
