"""Ends a browser test that hangs, and says on the terminal what it hung on.

Playwright waits for the answers to some calls without an end (closing a page or a context, opening
one, evaluate, keys): `set_default_timeout` does not count for them. The words are written at once,
beside whatever pytest captures, so that they outlive a run that is killed.

Known to hang: `page.close()` while a navigation commits (Playwright issue 42068), and, rarely,
closing a context. Close contexts, by `close_all`.
"""

from __future__ import annotations

import gc
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType
from typing import Any

import greenlet
import psutil
import psycopg2
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Error

#: Seconds between the end of the browser and that of Playwright's driver, if the first did not do.
PATIENCE = 30
#: Seconds that closing may take.
CLOSING = 45
_DEPTH = 14  # calls of a stack that are worth reading
_WAITS = """
    SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid),
           date_trunc('second', now() - query_start)::text, left(query, 200)
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def not_for_ever(name: str, seconds: float, write: Callable[[str], object]) -> Iterator[None]:
    """Watch what runs inside. After `seconds` tell by `write` where it stands; end the browser.

    If that does not free it, Playwright's driver is ended as well: then every call of it fails.
    """
    fiber = greenlet.getcurrent()

    def end(program: str) -> None:
        told = f"\n{name} hangs; ending {program!r}:\n{report(fiber)}\n"
        with suppress(ValueError, OSError):
            write(told)
        _kill(program)

    watches = [
        threading.Timer(seconds, end, ["chrom"]),
        threading.Timer(seconds + PATIENCE, end, ["node"]),
    ]
    for watch in watches:
        watch.daemon = True
        watch.start()
    try:
        yield
    finally:
        for watch in watches:
            watch.cancel()


def close_all(
    contexts: Iterable[BrowserContext],
    name: str,
    write: Callable[[str], object],
    seconds: float = CLOSING,
) -> None:
    """Close what a test opened. A browser that does not let go of it is ended, and that is told.

    It is no failure: the test is over, and `browser` starts another one.
    """
    with not_for_ever(f"closing after {name}", seconds, write):
        for context in contexts:
            with suppress(Error):
                context.close()


def report(fiber: greenlet.greenlet) -> str:
    """What is waited for: calls of Playwright, pages, programs, the database, Python's stacks.

    `fiber` is the test's own greenlet: while Playwright waits, no thread's stack shows it.
    """
    parts: dict[str, Callable[[], list[str]]] = {
        "Playwright waits for": _calls,
        "Pages": _pages,
        "Programs": _programs,
        "Database": _database,
        "The test": lambda: _stack(fiber.gr_frame),
        "Threads": _threads,
    }
    return "\n".join(f"--- {title} ---\n{_said(part)}" for title, part in parts.items())


def _said(part: Callable[[], list[str]]) -> str:
    """One part's lines. A part that fails must not cost the others."""
    try:
        return "\n".join(part()) or "none"
    except Exception as error:  # noqa: BLE001
        return f"cannot be told: {error!r}"


def _kill(program: str) -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if program in child.name():
                child.kill()


def _browsers() -> list[Any]:
    """Playwright's own objects: its public ones may be asked by the test's thread only."""
    found = [one for one in gc.get_objects() if type(one) is Browser]
    return [one._impl_obj for one in found]


def _calls() -> list[str]:
    waiting = {one._connection for one in _browsers()}
    return [
        f"{call.type}.{call.method} ({call.title or 'no title'})"
        for connection in waiting
        for call in list(connection._callbacks.values())
    ]


def _pages() -> list[str]:
    return [
        page._main_frame._url
        for browser in _browsers()
        for context in list(browser._contexts)
        for page in list(context._pages)
    ]


def _programs() -> list[str]:
    return [
        f"{child.pid} {child.name()} {child.status()} {_kind(child)}"
        for child in psutil.Process().children(recursive=True)
    ]


def _kind(child: psutil.Process) -> str:
    with suppress(psutil.Error):
        return next((word for word in child.cmdline() if word.startswith("--type=")), "")
    return ""


def _database() -> list[str]:
    params = connections["default"].get_connection_params() | {"connect_timeout": 5}
    with closing(psycopg2.connect(**params)) as connection, connection.cursor() as cursor:
        cursor.execute(_WAITS)
        return [" | ".join(map(str, row)) for row in cursor.fetchall()]


def _stack(frame: FrameType | None) -> list[str]:
    if frame is None:
        return ["runs: see its thread"]
    return "".join(traceback.format_stack(frame)[-_DEPTH:]).splitlines()


def _threads() -> list[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines = []
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            lines += [f"{names.get(ident, ident)}:", *_stack(frame)]
    return lines
