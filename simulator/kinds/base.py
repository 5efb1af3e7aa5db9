"""What a kind of fault is made of: its options, and what it does at each step of a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from simulator import db
from simulator.calls import Call
from simulator.errors import ours
from simulator.faults import Strike
from simulator.wire import DoubledHeaders

#: Drawn anew for each request from the other values of the option.
ANY = "any"
CHANGES = ("provision", "update", "remove", "consent_move")
SHOWS_SUBSCRIBERS = ("list", "get", "provision", "update")
API = ("list", "get", "provision", "update", "remove", "precheck", "enterprises", "consent_move")
EVERYTHING = (*API, "login", "unknown")
Json = Any
#: Does what was asked and logs it; returns the honest answer.
Effect = Callable[[Call], HttpResponse]


@dataclass(frozen=True)
class Option:
    """One option: its default gives the type; `values` are the texts that exist."""

    default: Any
    description: str
    values: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None

    def described(self) -> dict[str, Any]:
        """Return what `GET kinds` tells of it."""
        told = {"default": self.default, "description": self.description}
        limits = {"values": list(self.values), "least": self.least, "most": self.most}
        return told | {name: value for name, value in limits.items() if value not in (None, [])}

    def check(self, value: object) -> str:
        """Return what is wrong with a value; empty: nothing."""
        if self.values:
            known = ", ".join(map(str, self.values))
            is_known = any(value == one and type(value) is type(one) for one in self.values)
            return "" if is_known else f"one of {known} expected"
        if isinstance(self.default, bool):
            return "" if isinstance(value, bool) else "true or false expected"
        if isinstance(self.default, str):
            return "" if isinstance(value, str) else "a text expected"
        return self._check_number(value)

    def _check_number(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "a number expected"
        low = self.least is not None and value < self.least
        high = self.most is not None and value > self.most
        if low or high or value != value:
            return f"a number from {self.least} to {self.most} expected"
        return ""


def _as_it_is(strike: Strike, call: Call) -> Strike | None:
    return strike


def _nothing(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    return None


def _honest(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    return response


def _at_once(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    return response


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    `prepare` may let a request go (None). `instead` waits, and answers a request that is to have
    no effect; `answer` changes the answer of one that has; `deliver` sends it, late or never.
    """

    name: str
    title: str
    description: str
    options: dict[str, Option] = field(default_factory=dict)
    operations: tuple[str, ...] = EVERYTHING
    prepare: Callable[[Strike, Call], Strike | None] = _as_it_is
    instead: Callable[[Strike, Call, Effect], HttpResponse | None] = _nothing
    answer: Callable[[Strike, Call, HttpResponse], HttpResponse] = _honest
    deliver: Callable[[Strike, Call, HttpResponse], HttpResponseBase] = _at_once

    def described(self) -> dict[str, Any]:
        """Return what `GET kinds` tells of it."""
        return {
            "kind": self.name,
            "title": self.title,
            "description": self.description,
            "operations": list(self.operations),
            "options": {name: option.described() for name, option in self.options.items()},
        }


def refusal(
    call: Call, status: int, text: str, headers: Iterable[tuple[str, str]] = ()
) -> HttpResponse:
    """Return an error answer in the API's form; a header may stand there twice."""
    body = {"message": text, "errors": [ours(text)], "trackingId": call.tracking_id}
    named: dict[str, str] = {}
    doubles = []
    for name, value in headers:
        if name in named:
            doubles.append((name, value))
        named.setdefault(name, value)
    return DoubledHeaders(
        db.dumps(body),
        status=status,
        content_type="application/json",
        headers=named,
        doubles=doubles,
    )


def data_of(response: HttpResponse) -> Json:
    """Return an answer's JSON; None when it has none."""
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def with_data(response: HttpResponse, data: Json) -> HttpResponse:
    """Return the answer with other JSON in it."""
    response.content = db.dumps(data).encode()
    return response


def items_of(data: Json) -> list[dict[str, Any]]:
    """Return the subscribers (or customers) that an answer shows: a page's, or the only one."""
    if not isinstance(data, dict):
        return []
    items = data.get("items", [data] if "id" in data else [])
    return [item for item in items if isinstance(item, dict)]
