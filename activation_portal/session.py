"""Which run a browser may see: kept in its session, per template; the URL alone opens nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from provisioning.models import Activation
from templates_app.models import OnboardingTemplate


@dataclass(frozen=True)
class PortalSession:
    """A browser's place in a run.

    `is_own` is False for a browser that only opened the mailed link: it may look on, not act.
    """

    run: Activation
    is_own: bool


def _session_key(template: OnboardingTemplate) -> str:
    return f"portal:{template.activation_key}"


def start(request: HttpRequest, run: Activation, *, own: bool = True) -> None:
    """Remember the run under a new session key, so that a planted session is worth nothing."""
    request.session.cycle_key()
    request.session[_session_key(run.template)] = {"run": str(run.uuid), "own": own}


def current(request: HttpRequest, template: OnboardingTemplate) -> PortalSession | None:
    """The browser's run of this template, read anew."""
    kept = request.session.get(_session_key(template)) or {}
    runs = Activation.objects.select_related("partner", "subscriber").filter(
        template=template, uuid=kept.get("run")
    )
    run = runs.first() if kept else None
    if run is None:
        return None
    run.template = template
    return PortalSession(run, bool(kept["own"]))


def end(request: HttpRequest, template: OnboardingTemplate) -> None:
    """Sign out of this template's portal; nothing else in the session is touched."""
    request.session.pop(_session_key(template), None)
    request.session.cycle_key()
