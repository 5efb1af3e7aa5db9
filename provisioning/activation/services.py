"""Running the portal: sign-in, address, confirmation, and what follows. Pages hold no rules.

One `Activation` is one run of one user; `activation_standing` tells where it stands. Every step
asks anew who may pass (activation_rules), because an administrator may change the template, the
user or the order meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.audit import Actor
from common import throttle
from common.addresses import BadAddress, normalise, same
from common.throttle import Limit
from provisioning import codes, shown_status
from provisioning.activation import confirmation_mails
from provisioning.activation import login as portal_login
from provisioning.activation.admission import (
    Admission,
    PortalRefused,
    admit,
    is_waiting,
    unfinished_job,
)
from provisioning.activation.confirmation import enqueue
from provisioning.activation.lifetimes import CONFIRMED_ADDRESS_LIFETIME
from provisioning.activation.login import Login
from provisioning.activation.precheck import precheck
from provisioning.activation.runs import (
    OPEN,
    admit_or_refuse,
    bind,
    forget_error,
    forget_secrets,
    lock,
    refuse,
    replace_others,
    start_over,
)
from provisioning.models import Activation
from provisioning.states import ActivationState, JobState
from templates_app.models import OnboardingTemplate
from webex.xsi_profile import XsiProfile

#: Addresses that one user can try.
ADDRESS_TRIES = Limit(10, 3600)


# ---- Signing in ----


@sensitive_variables("password")
def sign_in(
    template: OnboardingTemplate, *, user_id: str, password: str, actor: Actor, now: datetime
) -> Activation:
    """Check the BroadWorks login and return the user's run: the one under way, or a new one.

    What has been done before is kept; whether the run may go on is the standing's to tell.

    Raises:
        PortalRefused: the login was not accepted or could not be checked.
    """
    try:
        template.partner.connection  # noqa: B018 -- asks the database
    except ObjectDoesNotExist:
        raise PortalRefused(codes.LOGIN_AWAY, "the partner has no connection") from None
    if not template.untrusted_emails:
        raise PortalRefused(codes.PORTAL_CLOSED)
    login = Login(template, user_id, actor.ip)
    profile = portal_login.check(login, password)
    return _run_for(template, profile, now)


def _run_for(template: OnboardingTemplate, profile: XsiProfile, now: datetime) -> Activation:
    runs = Activation.objects.filter(template=template, broadworks_id__iexact=profile.user_id)
    run = runs.select_related("subscriber").order_by("-created_at", "-pk").first()
    if run is None or not _goes_on(run):
        run = Activation(partner_id=template.partner_id, created_at=now)
    run.template, run.broadworks_id = template, profile.user_id
    run.profile, run.language = _kept(profile), (get_language() or "en")[:5]
    run.save()
    admit_or_refuse(run, now=now)
    return run


def _goes_on(run: Activation) -> bool:
    """Whether a new sign-in continues this run."""
    if run.state == ActivationState.REPLACED:
        return False
    row = run.subscriber
    if row is not None and row.deleted_at:
        return False
    if run.state == ActivationState.CONFIRMED:
        job = run.jobs.order_by("-pk").first()
        return job is not None and job.state != JobState.CANCELLED
    return run.state != ActivationState.DONE or (row is not None and not is_waiting(row))


def try_again(run: Activation, *, now: datetime) -> Activation:
    """Ask the rules anew for a run that was stopped; one that is over begins again."""
    if _goes_on(run):
        admit_or_refuse(run, now=now)
        return run
    return start_over(run, now=now)


def _kept(profile: XsiProfile) -> dict[str, Any]:
    """What a run needs of the profile later; both forms of the enterprise ID, as modes change."""
    return {
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "number": profile.number,
        "extension": profile.extension,
        "mobile": profile.mobile,
        "enterprise": profile.sp_enterprise_id(True),
        "group_enterprise": profile.sp_enterprise_id(False),
    }


# ---- The address ----


def give_address(run: Activation, *, email: str, actor: Actor, now: datetime) -> Activation:
    """Take the user's address: check it with Webex, then mail the confirmation to it.

    An address that this run confirmed already goes straight on. Returns the run that goes on: a
    new one when the old one waited for a consent that the user would rather not give.

    Raises:
        BadAddress: it is no address.
        PortalRefused: Webex or a rule refuses it; the run and the row say so.
    """
    address = normalise(email)
    if not address.isascii():
        raise BadAddress(_("Use an address without letters such as ø or é before the @."))
    if run.state == ActivationState.CONFIRMED:
        run = start_over(run, now=now)
    try:
        admission = admit(run)
        if admission.is_active or admission.is_underway or unfinished_job(run, admission):
            return run
        if _is_mailed(run, address, now):
            return run
        _count_try(run)
        precheck(run, admission, address)
    except PortalRefused as refusal:
        Activation.objects.filter(pk=run.pk, state__in=OPEN).update(email=address)
        refuse(run, refusal, now=now)
        raise
    if _is_confirmed(run, address, now):
        _provision(run, admission, address, actor=actor, now=now)
    else:
        _ask_to_confirm(run, admission, address, actor=actor, now=now)
    return run


def _is_mailed(run: Activation, address: str, now: datetime) -> bool:
    """A second click, or back and forth: the mail to this address is on its way already."""
    is_open = run.state == ActivationState.MAIL_SENT and same(run.email, address)
    return is_open and confirmation_mails.next_possible(run, now) > now


def _count_try(run: Activation) -> None:
    """Every try is a question to Webex about an address, and mostly a mail."""
    user = run.broadworks_id.casefold()
    if not throttle.take("portal-address", str(run.template_id), user, limit=ADDRESS_TRIES):
        raise PortalRefused(codes.ADDRESS_LIMIT)


def _is_confirmed(run: Activation, address: str, now: datetime) -> bool:
    held = run.confirmed_at is not None and run.confirmed_at > now - CONFIRMED_ADDRESS_LIFETIME
    return held and same(run.email, address)


def _ask_to_confirm(
    run: Activation, admission: Admission, address: str, *, actor: Actor, now: datetime
) -> None:
    with transaction.atomic():
        lock(run)
        replace_others(run)
        bind(run, admission)
        if not same(run.email, address):
            forget_secrets(run)
        run.email, run.state, run.confirmed_at = address, ActivationState.MAIL_SENT, None
        run.language = (get_language() or "en")[:5]
        forget_error(run)
        run.save()
        audit.record(
            actor, "activation.address", run, partner=run.partner, after={"email": address}
        )
        confirmation_mails.queue(run, now=now)
        if row := admission.subscriber:
            shown_status.clear_own_errors(row, now=now)
            shown_status.refresh(row, now=now)


def send_again(run: Activation, *, now: datetime) -> None:
    """Queue the confirmation mail once more.

    Raises:
        PortalRefused: MAIL_LIMIT before the time is up, or the run waits for no mail.
    """
    with transaction.atomic():
        lock(run)
        if run.state != ActivationState.MAIL_SENT:
            raise PortalRefused(codes.TAKEN_OVER)
        if confirmation_mails.next_possible(run, now) > now:
            raise PortalRefused(codes.MAIL_LIMIT)
        confirmation_mails.queue(run, now=now)


def _provision(
    run: Activation, admission: Admission, address: str, *, actor: Actor, now: datetime
) -> None:
    """Try again with an address that was confirmed before."""
    with transaction.atomic():
        lock(run)
        run.email, run.state = address, ActivationState.CONFIRMED
        forget_error(run)
        run.save()
        enqueue(run, admission, actor=actor, now=now)
