"""Signals that break a run off, and the one moment in which they must wait."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: The last: `make` was killed.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
#: Whatever hangs while all is taken down: then it is told where, and what is left dies with us.
ENDED_SECONDS = 40


class _State:
    is_forking = False
    came: int | None = None


def listen() -> None:
    """Break off by an exception in the main thread when one of them comes."""
    for number in ENDINGS:
        signal.signal(number, _end)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep signals for the end of the block, in which a child is started.

    What a handler raises in the hooks of fork Python only prints, and a lock that they hold, that
    of `logging` for one, is never let go.
    """
    _State.is_forking = True
    try:
        yield
    finally:
        _State.is_forking = False
        if _State.came is not None:
            _raise(_State.came)


def _end(number: int, _frame: object) -> None:
    faulthandler.dump_traceback_later(ENDED_SECONDS, exit=True)
    _State.came = number
    if not _State.is_forking:
        _raise(number)


def _raise(number: int) -> None:
    _State.came = None
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
