"""Faults without a kind: say what happens, step by step."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from simulator import db, shapes
from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds import waiting
from simulator.kinds.base import Effect, Kind, refusal
from simulator.shapes import Shape
from simulator.wire import dropped

MOST_DELAY_MS = 3_600_000
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        NAME.fullmatch(name)
        and isinstance(text, str | int | float)
        and not set(str(text)) & {"\r", "\n"}
        for name, text in value.items()
    )


#: Options of a fault without a kind.
PLAIN_OPTIONS = {
    "status": shapes.whole(200, 599),
    "body": Shape("a text or JSON", lambda value: True),
    "headers": Shape("an object of names and values for HTTP headers", _are_headers),
    "after": shapes.FLAG,
    "delay_ms": shapes.number(0, MOST_DELAY_MS),
    "delay_after_ms": shapes.number(0, MOST_DELAY_MS),
    "drop_before": shapes.FLAG,
    "drop_after": shapes.FLAG,
}


def _instead(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    plan = strike.options
    if not waiting.hold(call, plan.get("delay_ms", 0) / 1000):
        return refusal(call, 503, "Everything was reset meanwhile.")
    if plan.get("drop_before"):
        return HttpResponse(status=500)
    if "status" in plan and not plan.get("after"):
        return _replaced(plan, int(plan["status"]), call)
    return None


def _answer(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    plan = strike.options
    if "body" in plan or "status" in plan:
        return _replaced(plan, int(plan.get("status", response.status_code)), call)
    for name, value in plan.get("headers", {}).items():
        response[name] = str(value)
    return response


def _deliver(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    plan = strike.options
    waiting.sleep(plan.get("delay_after_ms", 0) / 1000)
    is_dropped = plan.get("drop_after") or plan.get("drop_before")
    return dropped(call.request) if is_dropped else response


def _replaced(plan: dict[str, Any], status: int, call: Call) -> HttpResponse:
    if "body" in plan:
        body = plan["body"]
        text = body if isinstance(body, str) else db.dumps(body)
        response = HttpResponse(text, status=status, content_type="application/json")
    else:
        response = refusal(call, status, f"Fault {status}")
    for name, value in plan.get("headers", {}).items():
        response[name] = str(value)
    return response


PLAIN = Kind(
    "", "As written", "What its options say.", instead=_instead, answer=_answer, deliver=_deliver
)
