"""`/_control/scenarios`: what there is to play, and playing it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from simulator import scenarios
from simulator.calls import utc_now
from simulator.scenario_files import ScenarioError
from simulator.scenarios import Wish

Body = dict[str, Any]
MEMBERS = frozenset({"token", "provisioning_id", "seed", "pace"})


def show(request: HttpRequest, body: Body) -> Body:
    """Return the scenarios, with what each tells and what to watch for."""
    return {"items": scenarios.catalogue()}


def load(request: HttpRequest, body: Body, scenario: str) -> Body:
    """Load a scenario into the account of a token, or start it anew."""
    if unknown := sorted(body.keys() - MEMBERS):
        raise ScenarioError(f"unknown members: {', '.join(unknown)}")
    pace = body.get("pace") or 1.0
    if isinstance(pace, bool) or not isinstance(pace, int | float):
        raise ScenarioError("pace is a number")
    texts = {name: str(body.get(name) or "") for name in MEMBERS - {"pace"}}
    return scenarios.load(scenario, Wish(pace=float(pace), **texts), utc_now())
