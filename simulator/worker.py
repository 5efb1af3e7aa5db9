"""gunicorn's worker, but refusing what it cannot read in the API's own words and form."""

from __future__ import annotations

import socket
from http.client import responses
from typing import Any

from gunicorn import util
from gunicorn.http import errors as wire_errors
from gunicorn.workers.gthread import ThreadWorker

from simulator import log
from simulator.errors import refuse

UNREADABLE = "The request is not valid HTTP."
TOO_LONG = {
    wire_errors.LimitRequestLine: (414, "The request's address is too long."),
    wire_errors.LimitRequestHeaders: (431, "The request's headers are too large."),
}
#: About what we answer, not about what was asked.
OURS = (wire_errors.InvalidResponseHeader, wire_errors.InvalidResponseHeaderName)


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A worker with threads whose refusals of malformed requests are JSON with a tracking ID."""

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be parsed; anything else is an accident of ours."""
        if not isinstance(exc, wire_errors.ParseException) or isinstance(exc, OURS):
            super().handle_error(req, client, addr, exc)
            return
        status, text = TOO_LONG.get(type(exc), (400, UNREADABLE))
        try:
            util.write_nonblock(client, refusal(status, text))
        except OSError as error:
            self.log.debug("refusal not sent: %s", error)


def refusal(status: int, text: str) -> bytes:
    """Return a whole HTTP answer that refuses and closes the connection."""
    tracking_id = log.new_tracking_id()
    body = refuse(status, text).response(tracking_id).content
    head = [
        f"HTTP/1.1 {status} {responses[status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"TrackingID: {tracking_id}",
        "Connection: close",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
