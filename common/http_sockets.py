"""Connections with one deadline for everything, that check the address before they connect.

A timeout per read, which is all that requests offers, doesn't stop a server that sends one
byte a second; so each read asks how much of the whole call's time is left.
"""

from __future__ import annotations

import io
import queue
import socket
import threading
import time
from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from common.http_guard import address_allowed, is_trusted

#: Seconds; balancers drop idle connections silently after a minute or more. Sending a change
#: into such a connection would leave its outcome unknown.
IDLE_LIMIT = 20.0


@dataclass(slots=True)
class Call:
    """The call that this thread is making; times are of the monotonic clock."""

    deadline: float
    connect_seconds: float
    trusted_hosts: Collection[str] = ()
    start_by: float | None = None
    sent: bool = False
    refused_address: bool = False
    is_late: bool = False

    def begin(self) -> None:
        """The first byte goes out now; raises TimeoutError when it is too late for that."""
        if not self.sent and self.start_by is not None and time.monotonic() > self.start_by:
            self.is_late = True
            raise TimeoutError("too late to start")
        self.sent = True

    def remaining(self) -> float:
        """Return the seconds left, or raise TimeoutError."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's time is over")
        return left


current_call: ContextVar[Call] = ContextVar("current_call")


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, never beyond the deadline of the call that opened it."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        self._sock = sock
        self._call = call
        # Keeps the descriptor open while the response is read, as socket.makefile does.
        self._keeper = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._call.remaining())
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._keeper.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock, current_call.get()))


class _GuardedMixin(HTTPConnection):
    """What both schemes share: the address check, the mark of the first byte, idle ageing."""

    response_class = _DeadlineResponse
    _last_used = 0.0

    @property
    def is_connected(self) -> bool:
        fresh = time.monotonic() - self._last_used < IDLE_LIMIT
        return fresh and super().is_connected

    def _new_conn(self) -> socket.socket:
        call = current_call.get()
        try:
            return _connect(self.host, int(self.port or 0), call)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from None
        except TimeoutError:
            raise ConnectTimeoutError(self, "connecting took too long") from None
        except OSError as error:
            raise NewConnectionError(self, type(error).__name__) from None

    def connect(self) -> None:
        super().connect()
        self._last_used = time.monotonic()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = current_call.get()
        self._last_used = time.monotonic()
        self.sock.settimeout(call.remaining())
        call.begin()
        super().send(data)


class _GuardedHTTPConnection(_GuardedMixin, HTTPConnection):
    pass


class _GuardedHTTPSConnection(_GuardedMixin, HTTPSConnection):
    pass


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class GuardedAdapter(HTTPAdapter):
    """An adapter of requests whose connections obey `current_call`; it never retries."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _GuardedHTTPPool,
            "https": _GuardedHTTPSPool,
        }


def _connect(host: str, port: int, call: Call) -> socket.socket:
    """Connect to the first address of `host` that answers, skipping those we may not call."""
    trusted = is_trusted(host, port, call.trusted_hosts)
    until = min(call.deadline, time.monotonic() + call.connect_seconds)
    failure: OSError = OSError("no address")
    for family, address in _resolve(host, port, until - time.monotonic()):
        if not address_allowed(str(address[0]), trusted=trusted):
            call.refused_address = True
            continue
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return _open_socket(family, address, left)
        except OSError as error:
            failure = error
    raise failure


def _open_socket(family: int, address: tuple[Any, ...], seconds: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(seconds)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(host: str, port: int, seconds: float) -> list[tuple[int, tuple[Any, ...]]]:
    """Look a name up, at most so long: the resolver's own patience (10 s and more) isn't ours."""
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return [(entry[0], entry[4]) for entry in answer]
