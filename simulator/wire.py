"""Answers that no honest server gives: without an end, with doubled headers, at another hour."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from gunicorn.http import wsgi


class DoubledHeaders(HttpResponse):
    """An answer that may bear a header more than once."""

    def __init__(self, *args: Any, doubles: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doubles = list(doubles)

    def items(self) -> list[tuple[str, str]]:
        """Return every header, the doubled ones too."""
        return [*super().items(), *self.doubles]


class DatedResponse(wsgi.Response):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's answer, with the application's own Date where it gives one.

    gunicorn leaves an application's Date out and writes the present one.
    """

    date = ""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take the application's headers."""
        self.date = next((value for name, value in headers if name.lower() == "date"), "")
        super().process_headers(headers)

    def default_headers(self) -> list[str]:
        """Return the first lines of the head."""
        lines: list[str] = super().default_headers()
        if self.date:
            lines = [f"Date: {self.date}\r\n" if _is_date(line) else line for line in lines]
        return lines


class GatewaysResponse(HttpResponse):
    """An answer of something before the backend: it knows nothing of tracking IDs."""


def _is_date(line: str) -> bool:
    return line.startswith("Date:")


def dropped(request: HttpRequest, chunks: Iterable[bytes] = ()) -> StreamingHttpResponse:
    """Send these bytes of a body, if any, and close the connection.

    Without any bytes not even a head goes out: gunicorn sends it with the first.
    """

    def parts() -> Iterator[bytes]:
        yield from chunks
        _shut(request)
        raise ConnectionResetError(errno.ECONNRESET, "dropped by a fault")

    return StreamingHttpResponse(parts())


def _shut(request: HttpRequest) -> None:
    # At once: gunicorn's own way of closing waits for the other side, on the thread that accepts.
    connection = request.META.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
