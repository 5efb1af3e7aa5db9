"""The portal's pages. Each asks where the run stands and moves the browser there."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.audit import Actor
from activation_portal import session
from activation_portal.decorators import portal, show
from activation_portal.forms import AddressForm, CodeForm, SignInForm
from activation_portal.session import Seat
from activation_portal.wording import address_hint, button_of
from provisioning import codes
from provisioning.activation import mail_queue
from provisioning.activation import services as activation_services
from provisioning.activation.admission import PortalRefused
from provisioning.activation.current_step import Place, Standing, standing
from provisioning.activation.mail_message import APP_URL
from provisioning.addresses import BadAddress
from provisioning.catalogue import explain
from provisioning.states import JobState
from templates_app.models import OnboardingTemplate

_TemplateView = Callable[[HttpRequest, OnboardingTemplate], HttpResponse]
_RunView = Callable[[HttpRequest, Seat, Standing], HttpResponse]


def place_url(template: OnboardingTemplate, place: str) -> str:
    """The page of a place."""
    return reverse(f"activation_portal:{place}", args=[template.activation_key])


def go_to(template: OnboardingTemplate, place: str) -> HttpResponseRedirect:
    """Send the browser to the page of a place."""
    return HttpResponseRedirect(place_url(template, place))


def end_user(request: HttpRequest, seat: Seat) -> Actor:
    """Who acts, for the audit log."""
    return Actor.end_user(request, seat.run.broadworks_id)


# ---- Signing in ----


@sensitive_post_parameters("password")
@portal("GET", "POST")
def sign_in(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """The first page; whoever is signed in goes on from where the run stands."""
    if not template.untrusted_emails:
        return show(request, template, "stopped", refusal=explain(codes.PORTAL_CLOSED))
    if request.method == "POST":
        return _sign_in(request, template)
    if (seat := session.seat_of(request, template)) and seat.is_own:
        return go_to(template, standing(seat.run).place)
    return show(request, template, "sign_in", form=SignInForm())


@sensitive_variables()
def _sign_in(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    form = SignInForm(request.POST)
    if not form.is_valid():
        return show(request, template, "sign_in", form=form)
    actor = Actor.end_user(request, form.cleaned_data["user_id"])
    try:
        run = activation_services.sign_in(
            template,
            user_id=form.cleaned_data["user_id"],
            password=form.cleaned_data["password"],
            actor=actor,
            now=timezone.now(),
        )
    except PortalRefused as refusal:
        return show(request, template, "sign_in", form=form, refusal=refusal.explanation)
    session.take_seat(request, run)
    if draft := form.cleaned_data["draft"]:
        request.session["portal-draft"] = draft
    return go_to(template, standing(run).place)


def sign_in_again(
    request: HttpRequest, template: OnboardingTemplate, draft: str = ""
) -> HttpResponse:
    """The session is gone, or another user has it: say so, and keep what was typed."""
    form = SignInForm(initial={"draft": draft[:320]})
    refusal = explain(codes.SIGN_IN_AGAIN)
    return show(request, template, "sign_in", form=form, refusal=refusal, is_notice=True)


@portal("GET", "POST")
def leave(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """Sign out: "Not you?". GET, as by a change of language on what POST answered, does nothing."""
    if request.method == "POST":
        session.leave(request, template)
    return go_to(template, "sign_in")


# ---- Pages of a run ----


def _at(*places: Place) -> Callable[[_RunView], _TemplateView]:
    """Give a view the browser's run while it stands at one of the places; else lead there."""

    def decorate(view: _RunView) -> _TemplateView:
        @wraps(view)
        def page(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
            seat = session.seat_of(request, template)
            if seat is None:
                return sign_in_again(request, template, request.POST.get("email", ""))
            stands = standing(seat.run)
            if stands.place not in places:
                return go_to(template, stands.place)
            return view(request, seat, stands)

        return page

    return decorate


def _is_strange(request: HttpRequest, seat: Seat) -> bool:
    """A form of another user's page, or of a browser that may only look on."""
    return not seat.is_own or request.POST.get("run") != str(seat.run.uuid)


@portal("GET", "POST")
def stopped(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """The user cannot go on now: why, whom to ask, and Try again."""
    if request.method == "POST":
        return _try_again(request, template)
    return _stopped(request, template)


@_at(Place.STOPPED)
def _stopped(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    return show(request, seat.run.template, "stopped", refusal=stands.refusal, seat=seat)


def _try_again(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    seat = session.seat_of(request, template)
    if seat is None or not seat.is_own:
        return sign_in_again(request, template)
    run = activation_services.try_again(seat.run, now=timezone.now())
    session.take_seat(request, run)
    return go_to(template, standing(run).place)


@portal("GET", "POST")
@_at(Place.ADDRESS, Place.MAIL, Place.CONSENT)
def address(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    """The address for Webex; also to change it while a mail or a consent is waited for."""
    if request.method == "POST":
        if _is_strange(request, seat):
            return sign_in_again(request, seat.run.template, request.POST.get("email", ""))
        return _give_address(request, seat, stands)
    if not seat.is_own:
        return sign_in_again(request, seat.run.template)
    email = request.session.pop("portal-draft", "") or seat.run.email
    form = AddressForm(
        initial={"email": email, "run": seat.run.uuid}, hint=address_hint(stands.refusal)
    )
    return _address_page(request, seat, form, stands.refusal)


def _give_address(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    form = AddressForm(request.POST, hint=address_hint(stands.refusal))
    if not form.is_valid():
        return _address_page(request, seat, form, None)
    try:
        run = activation_services.give_address(
            seat.run,
            email=form.cleaned_data["email"],
            actor=end_user(request, seat),
            now=timezone.now(),
        )
    except BadAddress as error:
        form.add_error("email", str(error))
        return _address_page(request, seat, form, None)
    except PortalRefused as refusal:
        if standing(seat.run).place not in (Place.ADDRESS, Place.MAIL, Place.CONSENT):
            return go_to(seat.run.template, standing(seat.run).place)
        form["email"].help_text = address_hint(refusal.explanation)
        return _address_page(request, seat, form, refusal.explanation)
    if run.pk != seat.run.pk:
        session.take_seat(request, run)
    return go_to(run.template, standing(run).place)


def _address_page(
    request: HttpRequest, seat: Seat, form: AddressForm, refusal: Any
) -> HttpResponse:
    return show(
        request,
        seat.run.template,
        "address",
        form=form,
        refusal=refusal,
        run=seat.run,
        button=button_of(refusal),
    )


@portal("GET")
@_at(Place.MAIL)
def sent(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    """The mail is on its way: link, code, send again; goes on by itself."""
    form = CodeForm(initial={"run": seat.run.uuid})
    return show(request, seat.run.template, "sent", form=form, seat=seat, **mail_facts(stands))


def mail_facts(stands: Standing) -> dict[str, Any]:
    """What the page tells of the mail; `version` changes when the page must."""
    mail, run, now = stands.mail, stands.run, timezone.now()
    next_possible = mail_queue.next_possible(run, now)
    return {
        "run": run,
        "mail": mail,
        "mail_state": mail.state if mail else "sent",
        "version": f"{mail.pk}-{mail.state}-{mail.attempts}" if mail else "none",
        "next_possible": next_possible,
        "wait_seconds": max(math.ceil((next_possible - now).total_seconds()), 0),
    }


def track_facts(stands: Standing) -> dict[str, Any]:
    """What the tracker tells; `is_held` while Webex cannot be reached."""
    job = stands.job
    is_held = bool(job and job.result_text and job.state in (JobState.QUEUED, JobState.CHECKING))
    version = f"{job.state}-{is_held}" if job else "none"
    return {"run": stands.run, "stands": stands, "is_held": is_held, "version": version}


@portal("GET", "POST")
def send_again(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """Send the mail once more, when it is time. GET leads back to where the run stands."""
    if request.method != "POST":
        return go_to(template, "sent")
    return _send_again(request, template)


@_at(Place.MAIL)
def _send_again(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    template = seat.run.template
    if _is_strange(request, seat):
        return sign_in_again(request, template)
    try:
        activation_services.send_again(seat.run, now=timezone.now())
    except PortalRefused as refusal:
        form = CodeForm(initial={"run": seat.run.uuid})
        facts = mail_facts(stands) | {"refusal": refusal.explanation}
        return show(request, template, "sent", form=form, seat=seat, **facts)
    return go_to(template, "sent")


@portal("GET")
@_at(Place.PROGRESS)
def progress(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    """Webex is at work; goes on by itself."""
    return show(request, seat.run.template, "progress", seat=seat, **track_facts(stands))


@portal("GET")
@_at(Place.CONSENT)
def consent(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    """The address has a Webex account already: its owner must agree, by Webex's own mail."""
    return show(request, seat.run.template, "consent", seat=seat, stands=stands, run=seat.run)


@portal("GET")
@_at(Place.DONE)
def done(request: HttpRequest, seat: Seat, stands: Standing) -> HttpResponse:
    """The account is ready: how to get the app."""
    facts = {"seat": seat, "stands": stands, "run": seat.run, "app_url": APP_URL}
    return show(request, seat.run.template, "done", **facts)


@portal("GET")
def live(request: HttpRequest, template: OnboardingTemplate, place: str) -> HttpResponse:
    """What an open page asks every few seconds: the moving part, or where to go."""
    seat = session.seat_of(request, template)
    stands = standing(seat.run) if seat else None
    if stands is None or stands.place != place:
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = place_url(template, stands.place if stands else "sign_in")
        return answer
    facts = {Place.MAIL: mail_facts, Place.PROGRESS: track_facts}.get(stands.place)
    part = "parts/live_mail" if place == Place.MAIL else "parts/track"
    if facts is None or facts(stands)["version"] == request.GET.get("v"):
        return HttpResponse(status=204)
    return show(request, template, part, seat=seat, **facts(stands))
