"""`/_control/scenarios`: what there is to play, and playing it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from simulator import scenarios, shapes
from simulator.calls import utc_now
from simulator.scenarios import Wish

Body = dict[str, Any]
MEMBERS = {
    "token": shapes.text(1000),
    "provisioning_id": shapes.TEXT,
    "seed": shapes.SEED,
    "pace": shapes.number(-1e6, 1e6),  # how much it may be, `scenarios` says
}


def show(request: HttpRequest, body: Body) -> Body:
    """Return the scenarios, with what each tells and what to watch for."""
    return {"items": scenarios.catalogue()}


def load(request: HttpRequest, body: Body, scenario: str) -> Body:
    """Load a scenario into the account of a token, or start it anew."""
    body = shapes.checked(body, MEMBERS)
    texts = {name: str(body.get(name) or "") for name in MEMBERS.keys() - {"pace"}}
    return scenarios.load(scenario, Wish(pace=float(body.get("pace", 1.0)), **texts), utc_now())
