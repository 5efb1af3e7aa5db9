"""What can go wrong with a request that a fault strikes, by the name of its kind."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from simulator import db
from simulator.calls import Call
from simulator.faults import Strike

#: Options of a fault without a kind.
PLAIN_OPTIONS = frozenset(
    {"status", "body", "headers", "after", "delay_ms", "delay_after_ms"}
    | {"drop_before", "drop_after"}
)


def instead(strike: Strike, call: Call) -> HttpResponse | None:
    """Wait; return the answer of a request that never reaches the backend, None if it does."""
    plan = strike.options
    _wait(plan.get("delay_ms"))
    if plan.get("drop_before"):
        return HttpResponse(status=500)
    if "status" in plan and not plan.get("after"):
        return _replaced(plan, int(plan["status"]))
    return None


def answer(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    """Return what is answered in place of `response`, whose effect happens."""
    plan = strike.options
    if "body" in plan or "status" in plan:
        return _replaced(plan, int(plan.get("status", response.status_code)))
    for name, value in plan.get("headers", {}).items():
        response[name] = str(value)
    return response


def deliver(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    """Send the answer late or never; the effect is committed."""
    plan = strike.options
    _wait(plan.get("delay_after_ms"))
    return _dropped() if plan.get("drop_after") or plan.get("drop_before") else response


def _replaced(plan: dict[str, Any], status: int) -> HttpResponse:
    body = plan.get("body", {"message": f"Fault {status}", "errors": []})
    text = body if isinstance(body, str) else db.dumps(body)
    response = HttpResponse(text, status=status, content_type="application/json")
    for name, value in plan.get("headers", {}).items():
        response[name] = str(value)
    return response


def _wait(milliseconds: float | None) -> None:
    if milliseconds:
        time.sleep(milliseconds / 1000)


def _dropped() -> StreamingHttpResponse:
    # gunicorn sends nothing before the first chunk and closes the connection on this error.
    def nothing() -> Iterator[bytes]:
        raise ConnectionResetError(errno.ECONNRESET, "dropped by a fault")
        yield b""

    return StreamingHttpResponse(nothing())
