"""What can go wrong with a request that a fault strikes, by the name of its kind."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds import bodies, connections, lists, refusals, schemas, times
from simulator.kinds.base import ANY, Effect, Kind
from simulator.kinds.plain import PLAIN, PLAIN_OPTIONS

__all__ = ["KINDS", "PLAIN_OPTIONS", "answer", "check", "deliver", "instead", "prepare"]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for module in (refusals, connections, bodies, schemas, lists, times)
    for kind in module.KINDS
}
_ALL = KINDS | {PLAIN.name: PLAIN}


def prepare(strike: Strike, call: Call) -> Strike | None:
    """Return the strike with everything drawn that is to be; None when it lets the request go."""
    kind = _ALL[strike.fault.kind]
    drawn = {
        name: strike.draw.choice([one for one in kind.options[name].values if one != ANY])
        for name, value in strike.options.items()
        if value == ANY and name in kind.options and ANY in kind.options[name].values
    }
    return kind.prepare(dataclasses.replace(strike, options=strike.options | drawn), call)


def instead(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    """Wait; return the answer of a request that never reaches the backend, None if it does.

    `effect` carries the request out, for a kind that does so later than it answers.
    """
    return _ALL[strike.fault.kind].instead(strike, call, effect)


def answer(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    """Return what is answered in place of `response`, whose effect happens."""
    return _ALL[strike.fault.kind].answer(strike, call, response)


def deliver(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    """Send the answer, late or never; the effect is committed."""
    return _ALL[strike.fault.kind].deliver(strike, call, response)


def check(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a kind, with its defaults; ValueError says what exists instead."""
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"unknown kind: {name}; known: {', '.join(sorted(KINDS))}")
    if unknown := sorted(given.keys() - kind.options.keys()):
        known = ", ".join(kind.options) or "none"
        raise ValueError(f"{name}: unknown options: {', '.join(unknown)}; known: {known}")
    for option, value in given.items():
        if wrong := kind.options[option].check(value):
            raise ValueError(f"{name}: {option}: {wrong}")
    return {option: one.default for option, one in kind.options.items()} | given
