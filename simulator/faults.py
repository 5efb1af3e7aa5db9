"""Misbehaviour on order: a table of faults, claimed one request at a time.

A new kind of fault is a new key of the plan: read it in `before` (no effect happens) or in
`after` (the effect is committed, the answer is spoilt).
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from simulator import db

CLAIM = """
    UPDATE simulator_fault SET times = times - 1 WHERE id = (
        SELECT id FROM simulator_fault
        WHERE times > 0 AND operation IN ('*', %(operation)s)
          AND (contains = '' OR position(contains IN %(text)s) > 0)
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING plan
"""
#: The keys a plan may have; `control` refuses others.
PLAN_KEYS = frozenset(
    {"status", "body", "headers", "after", "delay_ms", "delay_after_ms"}
    | {"drop_before", "drop_after"}
)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    plan: dict[str, Any]

    @property
    def words(self) -> str:
        """For the request log."""
        return db.dumps(self.plan)

    def before(self) -> HttpResponseBase | None:
        """Delay; return the answer of a request that never reaches the backend, or None."""
        _wait(self.plan.get("delay_ms"))
        if self.plan.get("drop_before"):
            return _dropped()
        if "status" in self.plan and not self.plan.get("after"):
            return self._answer(int(self.plan["status"]))
        return None

    def after(self, response: HttpResponse) -> HttpResponseBase:
        """Delay and spoil the answer of a request whose effect is committed."""
        _wait(self.plan.get("delay_after_ms"))
        if self.plan.get("drop_after"):
            return _dropped()
        if "body" in self.plan or "status" in self.plan:
            return self._answer(int(self.plan.get("status", response.status_code)))
        for name, value in self.plan.get("headers", {}).items():
            response[name] = str(value)
        return response

    def _answer(self, status: int) -> HttpResponse:
        body = self.plan.get("body", {"message": f"Fault {status}", "errors": []})
        text = body if isinstance(body, str) else db.dumps(body)
        response = HttpResponse(text, status=status, content_type="application/json")
        for name, value in self.plan.get("headers", {}).items():
            response[name] = str(value)
        return response


def claim(operation: str, text: str) -> Fault | None:
    """Use up one turn of the oldest fault that matches; `text` is path and body."""
    row = db.one(CLAIM, {"operation": operation, "text": text})
    return Fault(row["plan"]) if row else None


def _wait(milliseconds: float | None) -> None:
    if milliseconds:
        time.sleep(milliseconds / 1000)


def _dropped() -> StreamingHttpResponse:
    # gunicorn sends nothing before the first chunk and closes the connection on this error.
    def nothing() -> Iterator[bytes]:
        raise ConnectionResetError(errno.ECONNRESET, "dropped by a fault")
        yield b""

    return StreamingHttpResponse(nothing())
