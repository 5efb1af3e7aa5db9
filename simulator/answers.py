"""Whether each answer was handed to the network: noted as it happens, written in groups.

A mark costs its request no statement: a thread of the process writes what has come together,
twenty times a second and at a clean stop. After `kill -9` the last marks are missing, and a line
without a mark says what is true: nobody knows.
"""

from __future__ import annotations

import atexit
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import Error, connection

logger = logging.getLogger(__name__)

#: Where a request carries the number of its log line to the server's side.
LINE = "simulator.line"
EVERY_SECONDS = 0.05
#: Pause after a failure, while the database is away.
AWAY_SECONDS = 0.5
#: Marks kept while the database is away; older ones are forgotten first.
MOST_KEPT = 200_000
MOST_AT_ONCE = 5_000
#: How long a question waits for answers that are just being handed over.
PATIENCE_SECONDS = 0.1
# A mark lost with the whole database server is only unknown: no reason to wait for its disk.
# Cut like arrivals are: a client that acts within the same millisecond does not overlap its answer.
WRITE = """
    SET LOCAL synchronous_commit TO off;
    INSERT INTO simulator_answer (line, at, sent)
    SELECT line, date_trunc('milliseconds', to_timestamp(at)), sent
    FROM unnest(%s::bigint[], %s::float8[], %s::boolean[]) AS mark (line, at, sent)
    ON CONFLICT DO NOTHING
"""
Mark = tuple[int, float, bool]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_marks: deque[Mark] = deque(maxlen=MOST_KEPT)
_being_sent: set[int] = set()


class Watching:
    """A WSGI application whose answers are marked; those without a log line pass unseen."""

    def __init__(self, application: Wsgi) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        answer = self.application(environ, start_response)
        line = environ.get(LINE)
        return answer if line is None else _Watched(answer, line, environ.get("gunicorn.socket"))


class _Watched:
    """An answer on its way: the server asks for the next chunk once one was handed over."""

    __slots__ = ("answer", "is_over", "line", "socket")

    def __init__(self, answer: Iterable[bytes], line: int, client: socket.socket | None) -> None:
        self.answer = answer
        self.line = line
        self.socket = client
        self.is_over = False

    def __iter__(self) -> Iterator[bytes]:
        is_heard = self.socket is None or _is_there(self.socket)
        _being_sent.add(self.line)
        at = time.time()
        for chunk in self.answer:
            # Before the last chunk leaves: afterwards the client may already act on it.
            at = time.time()
            yield chunk
        self.is_over = True
        _mark(self.line, at, sent=is_heard)

    def close(self) -> None:
        """End it; without the last chunk having gone out it counts as not sent."""
        if not self.is_over:
            _mark(self.line, time.time(), sent=False)
        if close := getattr(self.answer, "close", None):
            close()


def _is_there(client: socket.socket) -> bool:
    """Tell whether the client still listens: one that is gone has closed its side."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True  # nothing to read, as it should be
    except OSError:
        return False


def _mark(line: int, at: float, *, sent: bool) -> None:
    _marks.append((line, at, sent))
    _being_sent.discard(line)
    if not _writer.is_started:
        _writer.start()


def flush(seconds: float = 2.0) -> bool:
    """Write the marks of every answer that left before; False when the database is away."""
    end = time.monotonic() + PATIENCE_SECONDS
    pending = set(_being_sent)
    while pending & _being_sent and time.monotonic() < end:
        time.sleep(0.001)
    return (not _marks and not _writer.is_busy) or _writer.ask(seconds)


class _Writer:
    """The thread that writes marks, with a database connection of its own."""

    def __init__(self) -> None:
        self.is_started = False
        self.is_busy = False
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._asked: deque[threading.Event] = deque()

    def start(self) -> None:
        """Start, once in a process; the server's master never gets here."""
        with self._starting:
            if self.is_started:
                return
            thread = threading.Thread(target=self._run, name="answers", daemon=True)
            thread.start()
            atexit.register(self._stop, thread)
            self.is_started = True

    def ask(self, seconds: float) -> bool:
        """Have everything written that is marked now; False when that did not succeed in time."""
        self.start()
        done = threading.Event()
        self._asked.append(done)
        self._wake.set()
        return done.wait(seconds)

    def _stop(self, thread: threading.Thread) -> None:
        self._stopping = True
        self._wake.set()
        thread.join(2.0)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(EVERY_SECONDS)
            self._wake.clear()
            if not self._round():
                time.sleep(AWAY_SECONDS)
        self._round()
        connection.close()

    def _round(self) -> bool:
        """Write what there is; tells whether the database took it."""
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        self.is_busy = True
        try:
            while _marks:
                _write([_marks.popleft() for _ in range(min(len(_marks), MOST_AT_ONCE))])
        except Error as error:
            logger.warning("answers are noted later: %s", error)
            connection.close()
            self._asked.extendleft(asked)
            return False
        finally:
            self.is_busy = False
        for done in asked:
            done.set()
        return True


def _write(group: list[Mark]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [list(column) for column in zip(*group, strict=True)])
    except Error:
        _marks.extendleft(reversed(group))
        raise


_writer = _Writer()
