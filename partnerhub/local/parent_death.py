"""Ties a process's life to its parent's, where the system can. Standard library only."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
#: What ends a child of ours; not SIGHUP, which nohup has it ignore.
ENDINGS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)

# Loaded here, not in the child: between fork and exec a lock may be held for ever.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def ask_for_signal(number: int) -> None:
    """Have the kernel send this process `number` when its parent dies (Linux; else nothing).

    The parent is the *thread* that started us: start children from the main thread only.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number))


def listen() -> None:
    """Let signals end this process, whoever started us deaf to them.

    A shell has what it starts in the background of a script (`make test &`) ignore SIGINT and
    SIGQUIT, and what is ignored or blocked stays so in all descendants that don't change it.
    """
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


def die_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """Return a `preexec_fn` that ties the child to this process, and has it hear us.

    A parent that died before the child asked would never send the signal: the child then ends
    itself at once.
    """
    parent = os.getpid()

    def tie() -> None:
        listen()
        ask_for_signal(number)
        if os.getppid() != parent:
            os._exit(1)

    return tie
