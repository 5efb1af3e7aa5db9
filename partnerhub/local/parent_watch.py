"""Notices that whoever started us is gone, was interrupted, or closed the terminal."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path


class ParentWatch:
    """Looks after the process and the terminal that we were started from."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._caught = _caught_by_make(self._parent)
        self._terminal = select.poll()
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup: we are to stay
            for number in range(3):
                if os.isatty(number):
                    self._terminal.register(number, 0)  # a hang-up is reported unasked

    def reason_to_stop(self) -> str:
        """Return why we should stop, in words; empty while all is well."""
        if os.getppid() != self._parent:
            return "what started this has ended"
        if self._caught - _caught_by_make(self._parent):
            return "make was interrupted"
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in self._terminal.poll(0)):
            return "the terminal was closed"
        return ""


def _caught_by_make(pid: int) -> frozenset[signal.Signals]:
    """Return which of SIGINT and SIGHUP a make has a handler for; none of anything else.

    GNU make passes SIGTERM on to its children, but not a SIGINT or SIGHUP that was sent to its own
    process id alone: it takes that one's handler out and waits for them. That is all one can see of
    it. One that it was started to ignore, as a shell's background commands are SIGINT, has none.
    """
    try:
        if Path(f"/proc/{pid}/comm").read_text().strip() not in {"make", "gmake"}:
            return frozenset()
        status = Path(f"/proc/{pid}/status").read_text()
        caught = int(status.split("SigCgt:")[1].split()[0], 16)
    except (OSError, IndexError, ValueError):
        return frozenset()
    return frozenset(n for n in (signal.SIGINT, signal.SIGHUP) if caught >> (n - 1) & 1)
