"""A server on a real socket that answers as badly as it is told to, one step per request."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


#: Acts on the connection; True keeps it open for the next request.
type_step = Callable[[socket.socket, "WireServer"], bool]


class WireServer:
    """Listens on a free port of `host`; each request takes the next step of the script."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._tls = tls
        self._steps: deque[type_step] = deque()
        self._open: list[socket.socket] = []
        self.seen: list[Seen] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        scheme, written = ("https" if tls else "http"), (f"[{host}]" if ":" in host else host)
        self.origin = f"{scheme}://{written}:{self.port}"
        self.url = self.origin + "/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def will(self, *steps: type_step) -> None:
        self._steps.extend(steps)

    def forget(self) -> None:
        self._steps.clear()
        self.seen.clear()

    def stop(self) -> None:
        self.stopping.set()
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            threading.Thread(
                target=self._serve, args=(connection, self.connections), daemon=True
            ).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection.makefile("rb") as stream:
                while seen := _read_request(stream, number):
                    self.seen.append(seen)
                    if not self._steps.popleft()(connection, self):
                        break
        except (OSError, ValueError):
            pass
        finally:
            connection.close()


def _read_request(stream, number: int) -> Seen | None:
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3 or not line[2].startswith("HTTP/"):
        return None
    headers = {}
    while (text := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Seen(line[0], line[1], headers, body, number)


def reply(status: int = 200, body: object = None, headers: dict[str, str] | None = None):
    """A proper answer: JSON for anything that isn't bytes, nothing for None."""
    payload = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    fields = {"Content-Length": str(len(payload)), **(headers or {})}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    return raw(head.encode("latin-1") + b"\r\n" + payload, keep=True)


def refusal(status: int, headers: dict[str, str] | None = None) -> type_step:
    """A refusal in Webex's own form."""
    return reply(status, {"message": "no", "trackingId": "T_1"}, headers)


def raw(data: bytes, *, keep: bool = False) -> type_step:
    """Exactly these bytes, then close the connection unless `keep`."""

    def step(connection: socket.socket, server: WireServer) -> bool:
        connection.sendall(data)
        return keep

    return step


def reset(after: bytes = b"") -> type_step:
    """Send some bytes, then cut the connection hard (RST)."""

    def step(connection: socket.socket, server: WireServer) -> bool:
        connection.sendall(after)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return step


def silence() -> type_step:
    """Never answer."""

    def step(connection: socket.socket, server: WireServer) -> bool:
        server.stopping.wait(100)
        return False

    return step


def drip(head: bytes, byte: bytes = b" ", every: float = 0.02) -> type_step:
    """Send a head, then one byte at a time for ever: no single read ever times out."""

    def step(connection: socket.socket, server: WireServer) -> bool:
        connection.sendall(head)
        while not server.stopping.wait(every):
            connection.sendall(byte)
        return False

    return step
