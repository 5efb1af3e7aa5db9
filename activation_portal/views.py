"""The portal's pages. Each asks where the run stands and moves the browser there."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.audit import Actor
from activation_portal import session
from activation_portal.decorators import portal, render_page
from activation_portal.forms import AddressForm, CodeForm, SignInForm
from activation_portal.navigation import (
    end_user,
    go_to,
    may_not_submit,
    place_url,
    sign_in_again,
    standing_at,
)
from activation_portal.session import PortalSession
from activation_portal.texts import address_hint, button_of
from common import clock
from common.addresses import BadAddress, shown
from provisioning import codes
from provisioning.activation import confirmation_mails
from provisioning.activation import services as activation_services
from provisioning.activation.admission import PortalRefused
from provisioning.activation.current_step import Place, Standing, standing
from provisioning.activation.mail_message import APP_URL
from provisioning.catalogue import explain
from provisioning.states import JobState
from templates_app.models import OnboardingTemplate

# ---- Signing in ----


@sensitive_post_parameters("password")
@portal("GET", "POST")
def sign_in(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """The first page; whoever is signed in goes on from where the run stands."""
    if not template.untrusted_emails:
        return render_page(request, template, "stopped", refusal=explain(codes.PORTAL_CLOSED))
    if request.method == "POST":
        return _sign_in(request, template)
    if (portal_session := session.current(request, template)) and portal_session.is_own:
        return go_to(template, standing(portal_session.run).place)
    return render_page(request, template, "sign_in", form=SignInForm())


@sensitive_variables()
def _sign_in(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    form = SignInForm(request.POST)
    if not form.is_valid():
        return render_page(request, template, "sign_in", form=form)
    actor = Actor.end_user(request, form.cleaned_data["user_id"])
    try:
        run = activation_services.sign_in(
            template,
            user_id=form.cleaned_data["user_id"],
            password=form.cleaned_data["password"],
            actor=actor,
            now=clock.now(),
        )
    except PortalRefused as refusal:
        return render_page(request, template, "sign_in", form=form, refusal=refusal.explanation)
    session.start(request, run)
    if draft := form.cleaned_data["draft"]:
        request.session["portal-draft"] = draft
    return go_to(template, standing(run).place)


@portal("GET", "POST")
def leave(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """Sign out: "Not you?". GET, as by a change of language on what POST answered, does nothing."""
    if request.method == "POST":
        session.end(request, template)
    return go_to(template, "sign_in")


# ---- Pages of a run ----


@portal("GET", "POST")
def stopped(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    """The user cannot go on now: why, whom to ask, and Try again."""
    if request.method == "POST":
        return _try_again(request, template)
    return _stopped(request, template)


@standing_at(Place.STOPPED)
def _stopped(request: HttpRequest, portal_session: PortalSession, stands: Standing) -> HttpResponse:
    return render_page(
        request,
        portal_session.run.template,
        "stopped",
        refusal=stands.refusal,
        portal_session=portal_session,
    )


def _try_again(request: HttpRequest, template: OnboardingTemplate) -> HttpResponse:
    portal_session = session.current(request, template)
    if portal_session is None or not portal_session.is_own:
        return sign_in_again(request, template)
    run = activation_services.try_again(portal_session.run, now=clock.now())
    session.start(request, run)
    return go_to(template, standing(run).place)


@portal("GET", "POST")
@standing_at(Place.ADDRESS, Place.MAIL, Place.CONSENT)
def address(request: HttpRequest, portal_session: PortalSession, stands: Standing) -> HttpResponse:
    """The address for Webex; also to change it while a mail or a consent is waited for."""
    if request.method == "POST":
        if may_not_submit(request, portal_session):
            return sign_in_again(
                request, portal_session.run.template, request.POST.get("email", "")
            )
        return _give_address(request, portal_session, stands)
    if not portal_session.is_own:
        return sign_in_again(request, portal_session.run.template)
    email = request.session.pop("portal-draft", "") or shown(portal_session.run.email)
    form = AddressForm(
        initial={"email": email, "run": portal_session.run.uuid}, hint=address_hint(stands.refusal)
    )
    return _address_page(request, portal_session, form, stands.refusal)


def _give_address(
    request: HttpRequest, portal_session: PortalSession, stands: Standing
) -> HttpResponse:
    form = AddressForm(request.POST, hint=address_hint(stands.refusal))
    if not form.is_valid():
        return _address_page(request, portal_session, form, None)
    try:
        run = activation_services.give_address(
            portal_session.run,
            email=form.cleaned_data["email"],
            actor=end_user(request, portal_session),
            now=clock.now(),
        )
    except BadAddress as error:
        form.add_error("email", str(error))
        return _address_page(request, portal_session, form, None)
    except PortalRefused as refusal:
        if standing(portal_session.run).place not in (Place.ADDRESS, Place.MAIL, Place.CONSENT):
            return go_to(portal_session.run.template, standing(portal_session.run).place)
        form["email"].help_text = address_hint(refusal.explanation)
        return _address_page(request, portal_session, form, refusal.explanation)
    if run.pk != portal_session.run.pk:
        session.start(request, run)
    return go_to(run.template, standing(run).place)


def _address_page(
    request: HttpRequest, portal_session: PortalSession, form: AddressForm, refusal: Any
) -> HttpResponse:
    return render_page(
        request,
        portal_session.run.template,
        "address",
        form=form,
        refusal=refusal,
        run=portal_session.run,
        button=button_of(refusal),
    )


@portal("GET")
@standing_at(Place.MAIL)
def sent(request: HttpRequest, portal_session: PortalSession, stands: Standing) -> HttpResponse:
    """The mail is on its way: link, code, send again; goes on by itself."""
    form = CodeForm(initial={"run": portal_session.run.uuid})
    return render_page(
        request,
        portal_session.run.template,
        "sent",
        form=form,
        portal_session=portal_session,
        **mail_context(stands),
    )


def mail_context(stands: Standing) -> dict[str, Any]:
    """What the page tells of the mail; `version` changes when the page must."""
    mail, run, now = stands.mail, stands.run, clock.now()
    next_possible = confirmation_mails.next_possible(run, now)
    return {
        "run": run,
        "mail": mail,
        "mail_state": mail.state if mail else "sent",
        "version": f"{mail.pk}-{mail.state}-{mail.attempts}" if mail else "none",
        "next_possible": next_possible,
        "wait_seconds": max(math.ceil((next_possible - now).total_seconds()), 0),
    }


def progress_context(stands: Standing) -> dict[str, Any]:
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


@standing_at(Place.MAIL)
def _send_again(
    request: HttpRequest, portal_session: PortalSession, stands: Standing
) -> HttpResponse:
    template = portal_session.run.template
    if may_not_submit(request, portal_session):
        return sign_in_again(request, template)
    try:
        activation_services.send_again(portal_session.run, now=clock.now())
    except PortalRefused as refusal:
        form = CodeForm(initial={"run": portal_session.run.uuid})
        facts = mail_context(stands) | {"refusal": refusal.explanation}
        return render_page(
            request, template, "sent", form=form, portal_session=portal_session, **facts
        )
    return go_to(template, "sent")


@portal("GET")
@standing_at(Place.PROGRESS)
def progress(request: HttpRequest, portal_session: PortalSession, stands: Standing) -> HttpResponse:
    """Webex is at work; goes on by itself."""
    return render_page(
        request,
        portal_session.run.template,
        "progress",
        portal_session=portal_session,
        **progress_context(stands),
    )


@portal("GET")
@standing_at(Place.CONSENT)
def consent(request: HttpRequest, portal_session: PortalSession, stands: Standing) -> HttpResponse:
    """The address has a Webex account already: its owner must agree, by Webex's own mail."""
    return render_page(
        request,
        portal_session.run.template,
        "consent",
        portal_session=portal_session,
        stands=stands,
        run=portal_session.run,
    )


@portal("GET")
@standing_at(Place.DONE)
def done(request: HttpRequest, portal_session: PortalSession, stands: Standing) -> HttpResponse:
    """The account is ready: how to get the app."""
    facts = {
        "portal_session": portal_session,
        "stands": stands,
        "run": portal_session.run,
        "app_url": APP_URL,
    }
    return render_page(request, portal_session.run.template, "done", **facts)


@portal("GET")
def live(request: HttpRequest, template: OnboardingTemplate, place: str) -> HttpResponse:
    """What an open page asks every few seconds: the moving part, or where to go."""
    portal_session = session.current(request, template)
    stands = standing(portal_session.run) if portal_session else None
    if stands is None or stands.place != place:
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = place_url(template, stands.place if stands else "sign_in")
        return answer
    facts = {Place.MAIL: mail_context, Place.PROGRESS: progress_context}.get(stands.place)
    part = "parts/live_mail" if place == Place.MAIL else "parts/track"
    if facts is None or facts(stands)["version"] == request.GET.get("v"):
        return HttpResponse(status=204)
    return render_page(request, template, part, portal_session=portal_session, **facts(stands))
