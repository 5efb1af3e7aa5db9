"""Ends what a killed supervisor left behind. Run by path; standard library only.

Reads `add <pid> <signal>` and `remove <pid>` from its standard input. The end of that input means
that the supervisor is gone, for whatever reason. Until all is ended it holds the lock of `.run/`
(an inherited open file), so that the next start waits instead of meeting a taken port.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

PATIENCE = 10.0


def main() -> None:
    """Watch until the supervisor is gone, then end its children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_children(watch())


def watch() -> dict[int, int]:
    """Return the children that are left when the input ends, each with its stop signal."""
    children: dict[int, int] = {}
    for line in sys.stdin:
        verb, pid, *number = line.split()
        if verb == "add":
            children[int(pid)] = int(number[0])
        else:
            children.pop(int(pid), None)
    return children


def end_children(children: dict[int, int]) -> None:
    """Kill at once what is built to survive that; shut PostgreSQL down first gently, then not."""
    gentle = [pid for pid, number in children.items() if number == signal.SIGINT]
    for pid in children.keys() - set(gentle):
        _send_to_group(pid, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        for pid in filter(is_alive, gentle):
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        end = time.monotonic() + PATIENCE
        while any(is_alive(pid) for pid in gentle) and time.monotonic() < end:
            time.sleep(0.05)


def _send_to_group(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, number)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and only not yet collected does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except ProcessLookupError:
        return False
    except OSError:
        return True  # no /proc on this system: the signal went through, so it is there


if __name__ == "__main__":
    main()
