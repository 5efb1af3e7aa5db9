"""A backend that costs next to nothing: just enough of the Webex API for the engine, in one loop.

Every request is answered after the same delay, and a provisioned subscriber is `provisioned` at
once, so that a job is one exchange. It checks nothing; the simulator is for that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PATH = "/v1/broadworks/subscribers"
#: Not part of the API: what was asked since the last time, for the one who measures.
COUNTS = "/counts"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def id_of(user_id: str) -> str:
    """Return the subscriber ID that a user gets, and always had."""
    return f"fast-{user_id}"


class Backend:
    """The subscribers, and how much was asked."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.subscribers: dict[str, dict[str, Any]] = {}
        self.changes = self.most_at_once = self.at_once = 0

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, object]:
        """Return status and body of an answer."""
        parts = urlsplit(target)
        if parts.path == COUNTS:
            return 200, self._counts()
        key = unquote(parts.path.removeprefix(PATH).strip("/"))
        self.changes += method != "GET"
        if method == "POST":
            return 200, self._provision(json.loads(body))
        if not key:
            return 200, {"items": self._listed(parse_qs(parts.query).get("userId", [""])[0])}
        if key not in self.subscribers:
            return 404, {"message": "unknown"}
        if method == "DELETE":
            del self.subscribers[key]
            return 204, None
        if method == "PUT":
            self.subscribers[key] |= json.loads(body) | {"lastStatusChange": _now()}
        return 200, self.subscribers[key]

    def _provision(self, body: dict[str, Any]) -> dict[str, Any]:
        key, now = id_of(body["userId"]), _now()
        facts = {"id": key, "status": "provisioned", "created": now, "lastStatusChange": now}
        self.subscribers[key] = body | facts
        return self.subscribers[key]

    def _listed(self, user_id: str) -> list[dict[str, Any]]:
        found = self.subscribers.get(id_of(user_id))
        return [found] if found else []

    def _counts(self) -> dict[str, int]:
        counts = {"changes": self.changes, "most_at_once": self.most_at_once}
        self.changes = self.most_at_once = 0
        return counts


class Link(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.received = b""
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[: end + 2]
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.received) < whole:
                return
            body, self.received = self.received[end + 4 : whole], self.received[whole:]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        backend = self.backend
        if not backend.delay or target == COUNTS:
            self._send(*backend.answer(method, target, body))
            return
        backend.at_once += 1
        backend.most_at_once = max(backend.most_at_once, backend.at_once)
        asyncio.get_running_loop().call_later(backend.delay, self._late, method, target, body)

    def _late(self, method: str, target: str, body: bytes) -> None:
        self.backend.at_once -= 1
        self._send(*self.backend.answer(method, target, body))

    def _send(self, status: int, data: object) -> None:
        body = b"" if data is None else json.dumps(data).encode()
        head = f"HTTP/1.1 {status} Fast\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\nTrackingID: FAST\r\n\r\n"
        if self.transport and not self.transport.is_closing():
            self.transport.write(head.encode() + body)


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def serve(port: int, delay: float) -> None:
    """Answer until SIGTERM; `delay` in seconds."""
    loop, backend, ended = asyncio.get_running_loop(), Backend(delay), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(lambda: Link(backend), "127.0.0.1", port, backlog=512)
    await ended.wait()
    server.close()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="benchmarks.fast_backend")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.delay_ms / 1000))


if __name__ == "__main__":
    main()
