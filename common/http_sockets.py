"""Connections with one deadline for everything, that check the address before they connect.

A timeout per read, which is all that urllib3 offers, doesn't stop a server that sends one
byte a second; so each read asks how much of the whole call's time is left.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import certifi
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from common.http_guard import address_allowed, is_trusted

#: Seconds; balancers drop idle connections silently after a minute or more. Sending a change
#: into such a connection would leave its outcome unknown.
IDLE_LIMIT = 20.0
#: Seconds; 0 would not wait at all.
_SHORTEST = 0.001


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


class _GuardedSocket(socket.socket):
    """Reads and writes until the call's deadline, and tells the call of its first byte."""

    last_used = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(current_call.get().remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        _begin(self)
        super().sendall(*args, **kwargs)


class _GuardedTLSSocket(ssl.SSLSocket):
    """The same; what the handshake sends goes past these methods."""

    last_used = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(current_call.get().remaining())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        _begin(self)
        return super().send(*args, **kwargs)


def _begin(sock: _GuardedSocket | _GuardedTLSSocket) -> None:
    """Make a socket ready to send a part of the request."""
    call = current_call.get()
    sock.settimeout(call.remaining())
    call.begin()
    sock.last_used = time.monotonic()


class _GuardedMixin(HTTPConnection):
    """What both schemes share: the address check and idle ageing."""

    @property
    def is_connected(self) -> bool:
        last_used = getattr(self.sock, "last_used", 0.0)
        return time.monotonic() - last_used < IDLE_LIMIT and super().is_connected

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


class _GuardedHTTPConnection(_GuardedMixin, HTTPConnection):
    pass


class _GuardedHTTPSConnection(_GuardedMixin, HTTPSConnection):
    pass


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class GuardedPools(PoolManager):
    """Pools whose connections obey `current_call`, each TLS certificate verified."""

    def __init__(self, *, hosts: int, connections: int) -> None:
        super().__init__(num_pools=hosts, maxsize=connections, ssl_context=tls_context())
        self.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}


@cache
def tls_context() -> ssl.SSLContext:
    """Trust in the authorities of Mozilla's list; reading it takes longer than a handshake."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.sslsocket_class = _GuardedTLSSocket
    context.load_verify_locations(certifi.where())
    return context


def _connect(host: str, port: int, call: Call) -> socket.socket:
    """Connect to the first address of `host` that answers, skipping those we may not call."""
    trusted = is_trusted(host, port, call.trusted_hosts)
    until = min(call.deadline, time.monotonic() + call.connect_seconds)
    failure: OSError = OSError("no address")
    for family, address in _resolve(host, port, until - time.monotonic()):
        if not address_allowed(str(address[0]), trusted=trusted):
            call.refused_address = True
            continue
        if time.monotonic() >= until:
            raise TimeoutError
        try:
            return _open_socket(family, address, until)
        except OSError as error:
            failure = error
    raise failure


def _open_socket(family: int, address: tuple[Any, ...], until: float) -> socket.socket:
    """Connect; what is left of the time then is for the TLS handshake."""
    sock = _GuardedSocket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(max(until - time.monotonic(), _SHORTEST))
        sock.connect(address)
        sock.settimeout(max(until - time.monotonic(), _SHORTEST))
        sock.last_used = time.monotonic()
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
        answer = answers.get(timeout=max(seconds, _SHORTEST))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return [(entry[0], entry[4]) for entry in answer]
