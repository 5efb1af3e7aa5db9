"""Where a browser of the portal goes: to the page at which its run stands, or to sign in again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.audit import Actor
from activation_portal import session
from activation_portal.decorators import render_page
from activation_portal.forms import SignInForm
from activation_portal.session import PortalSession
from provisioning import codes
from provisioning.activation.current_step import Place, Standing, standing
from provisioning.catalogue import explain
from templates_app.models import OnboardingTemplate

_TemplateView = Callable[[HttpRequest, OnboardingTemplate], HttpResponse]
_RunView = Callable[[HttpRequest, PortalSession, Standing], HttpResponse]


def place_url(template: OnboardingTemplate, place: str) -> str:
    """The page of a place."""
    return reverse(f"activation_portal:{place}", args=[template.activation_key])


def go_to(template: OnboardingTemplate, place: str) -> HttpResponseRedirect:
    """Send the browser to the page of a place."""
    return HttpResponseRedirect(place_url(template, place))


def end_user(request: HttpRequest, portal_session: PortalSession) -> Actor:
    """Who acts, for the audit log."""
    return Actor.end_user(request, portal_session.run.broadworks_id)


def sign_in_again(
    request: HttpRequest, template: OnboardingTemplate, draft: str = ""
) -> HttpResponse:
    """The session is gone, or another user has it: say so, and keep what was typed."""
    form = SignInForm(initial={"draft": draft[:320]})
    refusal = explain(codes.SIGN_IN_AGAIN)
    return render_page(request, template, "sign_in", form=form, refusal=refusal, is_notice=True)


def standing_at(*places: Place) -> Callable[[_RunView], _TemplateView]:
    """Give a view the browser's run while it stands at one of the places; else lead there."""

    def decorate(view: _RunView) -> _TemplateView:
        @wraps(view)
        def page(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
            portal_session = session.current(request, template)
            if portal_session is None:
                return sign_in_again(request, template, request.POST.get("email", ""))
            stands = standing(portal_session.run)
            if stands.place not in places:
                return go_to(template, stands.place)
            return view(request, portal_session, stands)

        return page

    return decorate


def may_not_submit(request: HttpRequest, portal_session: PortalSession) -> bool:
    """A form of another user's page, or of a browser that may only look on."""
    return not portal_session.is_own or request.POST.get("run") != str(portal_session.run.uuid)
