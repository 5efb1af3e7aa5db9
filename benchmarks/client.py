"""A lean HTTP load generator: some keep-alive connections, each with one request under way.

Raw sockets and one thread: a client library would cost more than what is measured.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER_SECONDS = 30.0


class MeasurementFailed(Exception):
    """An answer was wrong or missing, so there is nothing to show."""


@dataclass(frozen=True)
class Answer:
    """One answer, as it came."""

    status: int
    head: bytes
    body: bytes


@dataclass
class Sample:
    """What a round came to."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


class Work:
    """What one connection asks, one request after the other."""

    def request(self) -> bytes:
        """Return the next request, head and body."""
        raise NotImplementedError

    def take(self, answer: Answer) -> None:
        """Look at its answer; raises MeasurementFailed for a wrong one."""
        raise NotImplementedError


class Connection:
    """A keep-alive connection and the request that is under way on it."""

    def __init__(self, port: int, work: Work) -> None:
        self.work = work
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        self.sent_at = 0.0

    def send(self) -> None:
        """Send the next request."""
        self.received.clear()
        request = self.work.request()
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> Answer | None:
        """Read what has come; return the answer once it is whole."""
        try:
            part = self.socket.recv(262_144)
        except ConnectionError:
            part = b""
        if not part:
            raise MeasurementFailed(f"connection closed after {bytes(self.received[:200])!r}")
        self.received += part
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.received[: end + 2])
        found = LENGTH.search(head)
        start = end + 4
        if found is None:
            raise MeasurementFailed(f"an answer without a length: {head!r}")
        if len(self.received) < start + int(found[1]):
            return None
        return Answer(int(head[9:12]), head, bytes(self.received[start:]))


def measure(connections: list[Connection], seconds: float) -> Sample:
    """Keep every connection busy for a while; answers that come later are not counted, unless there
    is none yet: then the first one is, with the time that it took.
    """
    sample = Sample()
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        start = time.perf_counter()
        busy = len(connections)
        while busy:
            ready = selector.select(ANSWER_SECONDS)
            if not ready:
                raise MeasurementFailed(f"no answer within {ANSWER_SECONDS:.0f} s")
            for key, _ in ready:
                busy -= _step(key.data, sample, start + seconds)
    sample.seconds = max(seconds, *sample.latencies[:1])
    return sample


def _step(connection: Connection, sample: Sample, end: float) -> bool:
    """Read, and send the next one; True once the connection has come to rest."""
    answer = connection.receive()
    if answer is None:
        return False
    now = time.perf_counter()
    connection.work.take(answer)
    if now > end and sample.latencies:
        return True
    sample.latencies.append(now - connection.sent_at)
    if now > end:
        return True
    connection.send()
    return False


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def expect(answer: Answer, is_right: bool) -> None:
    """Raise MeasurementFailed with the answer's words unless it is right."""
    if not is_right:
        raise MeasurementFailed(f"{answer.status}: {answer.body[:500].decode(errors='replace')}")


Works = Callable[[int], Work]
