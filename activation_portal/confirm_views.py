"""Confirming the address: the mailed link on any device, the mailed code in the first browser."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from accounts.audit import Actor
from activation_portal import session
from activation_portal.decorators import portal, render_page
from activation_portal.forms import CodeForm
from activation_portal.navigation import end_user, go_to, sign_in_again
from activation_portal.session import PortalSession
from activation_portal.views import mail_context
from common import clock
from provisioning import codes
from provisioning.activation import confirmation
from provisioning.activation.admission import PortalRefused
from provisioning.activation.current_step import Place, standing
from provisioning.catalogue import Explanation, explain
from provisioning.models import Activation
from templates_app.models import OnboardingTemplate


@portal("GET", "POST")
def confirm(request: HttpRequest, template: OnboardingTemplate, token: str) -> HttpResponse:
    """Behind the mailed link: GET shows a button, for mail scanners follow links; POST acts."""
    if request.method == "POST":
        return _confirm(request, template, token)
    run = confirmation.run_of_token(template, token, clock.now())
    if run is None:
        return _link_over(request, template, explain(codes.LINK_USED))
    return render_page(request, template, "confirm", run=run)


def _confirm(request: HttpRequest, template: OnboardingTemplate, token: str) -> HttpResponse:
    actor = Actor.end_user(request, "")
    try:
        run = confirmation.confirm_by_link(template, token, actor=actor, now=clock.now())
    except PortalRefused as refusal:
        return _link_over(request, template, refusal.explanation)
    run.template = template
    portal_session = session.current(request, template)
    if portal_session is not None and portal_session.run.pk != run.pk and portal_session.is_own:
        return render_page(request, template, "confirmed", run=run)
    if portal_session is None or portal_session.run.pk != run.pk:
        session.start(request, run, own=False)
    return go_to(template, standing(run).place)


def _link_over(
    request: HttpRequest, template: OnboardingTemplate, refusal: Explanation
) -> HttpResponse:
    """A link that does not work (now); a browser that knows the run is led on instead."""
    portal_session = session.current(request, template)
    if refusal.code == codes.LINK_USED and portal_session is not None:
        place = standing(portal_session.run).place
        if place in (Place.PROGRESS, Place.DONE):
            return go_to(template, place)
    return render_page(request, template, "link_over", refusal=refusal)


@portal("GET", "POST")
def code(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """The mailed code. GET is the page for browsers without scripts, which never reloads."""
    portal_session = session.current(request, template)
    if portal_session is None or not portal_session.is_own:
        return sign_in_again(request, template)
    if standing(portal_session.run).place != Place.MAIL:
        return go_to(template, standing(portal_session.run).place)
    if request.method == "GET":
        return _code_page(
            request, portal_session, CodeForm(initial={"run": portal_session.run.uuid})
        )
    form = CodeForm(request.POST)
    if request.POST.get("run") != str(portal_session.run.uuid):
        return sign_in_again(request, template)
    if not form.is_valid():
        return _code_page(request, portal_session, form)
    return _use_code(request, portal_session, form)


def _use_code(request: HttpRequest, portal_session: PortalSession, form: CodeForm) -> HttpResponse:
    run: Activation = portal_session.run
    typed = form.cleaned_data["code"]
    try:
        confirmation.confirm_by_code(
            run, typed, actor=end_user(request, portal_session), now=clock.now()
        )
    except PortalRefused as refusal:
        if standing(run).place == Place.MAIL:
            return _code_page(request, portal_session, form, refusal.explanation)
    return go_to(run.template, standing(run).place)


def _code_page(
    request: HttpRequest,
    portal_session: PortalSession,
    form: CodeForm,
    refusal: Explanation | None = None,
) -> HttpResponse:
    facts = mail_context(standing(portal_session.run)) | {
        "refusal": refusal,
        "portal_session": portal_session,
    }
    return render_page(request, portal_session.run.template, "code", form=form, **facts)
