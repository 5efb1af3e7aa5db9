"""Faults without a kind: say what happens, step by step."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from simulator import db
from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds import waiting
from simulator.kinds.base import Effect, Kind, refusal
from simulator.wire import dropped

#: Options of a fault without a kind.
PLAIN_OPTIONS = frozenset(
    {"status", "body", "headers", "after", "delay_ms", "delay_after_ms"}
    | {"drop_before", "drop_after"}
)


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
