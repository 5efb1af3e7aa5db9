"""Confirming the address: the mailed link on any device, the mailed code in the first browser."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import Actor
from activation_portal import session
from activation_portal.decorators import portal, show
from activation_portal.forms import CodeForm
from activation_portal.session import Seat
from activation_portal.views import end_user, go_to, mail_facts, sign_in_again
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
    run = confirmation.run_of_token(template, token, timezone.now())
    if run is None:
        return _link_over(request, template, explain(codes.LINK_USED))
    return show(request, template, "confirm", run=run)


def _confirm(request: HttpRequest, template: OnboardingTemplate, token: str) -> HttpResponse:
    actor = Actor.end_user(request, "")
    try:
        run = confirmation.confirm_by_link(template, token, actor=actor, now=timezone.now())
    except PortalRefused as refusal:
        return _link_over(request, template, refusal.explanation)
    run.template = template
    seat = session.seat_of(request, template)
    if seat is not None and seat.run.pk != run.pk and seat.is_own:
        return show(request, template, "confirmed", run=run)
    if seat is None or seat.run.pk != run.pk:
        session.take_seat(request, run, own=False)
    return go_to(template, standing(run).place)


def _link_over(
    request: HttpRequest, template: OnboardingTemplate, refusal: Explanation
) -> HttpResponse:
    """A link that does not work (now); a browser that knows the run is led on instead."""
    seat = session.seat_of(request, template)
    if refusal.code == codes.LINK_USED and seat is not None:
        place = standing(seat.run).place
        if place in (Place.PROGRESS, Place.DONE):
            return go_to(template, place)
    return show(request, template, "link_over", refusal=refusal)


@portal("GET", "POST")
def code(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """The mailed code. GET is the page for browsers without scripts, which never reloads."""
    seat = session.seat_of(request, template)
    if seat is None or not seat.is_own:
        return sign_in_again(request, template)
    if standing(seat.run).place != Place.MAIL:
        return go_to(template, standing(seat.run).place)
    if request.method == "GET":
        return _code_page(request, seat, CodeForm(initial={"run": seat.run.uuid}))
    form = CodeForm(request.POST)
    if request.POST.get("run") != str(seat.run.uuid):
        return sign_in_again(request, template)
    if not form.is_valid():
        return _code_page(request, seat, form)
    return _use_code(request, seat, form)


def _use_code(request: HttpRequest, seat: Seat, form: CodeForm) -> HttpResponse:
    run: Activation = seat.run
    typed = form.cleaned_data["code"]
    try:
        confirmation.confirm_by_code(run, typed, actor=end_user(request, seat), now=timezone.now())
    except PortalRefused as refusal:
        if standing(run).place == Place.MAIL:
            return _code_page(request, seat, form, refusal.explanation)
    return go_to(run.template, standing(run).place)


def _code_page(
    request: HttpRequest, seat: Seat, form: CodeForm, refusal: Explanation | None = None
) -> HttpResponse:
    facts = mail_facts(standing(seat.run)) | {"refusal": refusal, "seat": seat}
    return show(request, seat.run.template, "code", form=form, **facts)
