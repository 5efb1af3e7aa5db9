"""Confirming an address: by the mailed link on any device, or by the mailed code in the browser."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from accounts import audit
from accounts.audit import Actor
from provisioning import codes, shown_status
from provisioning.activation import confirmation_mails
from provisioning.activation.admission import RULES, Admission, PortalRefused, admit
from provisioning.activation.precheck import provision_params
from provisioning.activation.runs import bind, show_on_row
from provisioning.jobs import outbox
from provisioning.models import Activation
from provisioning.states import ActivationState, JobKind
from templates_app.models import OnboardingTemplate

CODE_TRIES = 5
#: A second POST of a link within this time is a double click, not a stranger.
DOUBLE_CLICK = timedelta(minutes=10)


def run_of_token(template: OnboardingTemplate, token: str, now: datetime) -> Activation | None:
    """The run that a mailed link can still confirm."""
    runs: QuerySet[Activation] = Activation.objects.filter(
        template=template,
        token_hash=confirmation_mails.hash_of(token),
        token_expires_at__gt=now,
        state=ActivationState.MAIL_SENT,
        subscriber__deleted_at=None,
    )
    return runs.select_related("template", "subscriber", "partner").first()


def confirm_by_link(
    template: OnboardingTemplate, token: str, *, actor: Actor, now: datetime
) -> Activation:
    """Use a mailed link: once, on any device. A double click answers the run it confirmed.

    Raises:
        PortalRefused: LINK_USED for a link that was used, replaced or is too old; anything else
            leaves the link usable.
    """
    run = run_of_token(template, token, now)
    if run is not None:
        actor = replace(actor, label=run.broadworks_id)
    still = {"token_hash": confirmation_mails.hash_of(token), "token_expires_at__gt": now}
    if run is not None and _go_on(run, still, actor=actor, now=now):
        return run
    twice: Activation | None = Activation.objects.filter(
        template=template,
        token_hash=confirmation_mails.hash_of(token),
        confirmed_at__gt=now - DOUBLE_CLICK,
        state__in=[ActivationState.CONFIRMED, ActivationState.DONE],
    ).first()
    if twice is None:
        raise PortalRefused(codes.LINK_USED)
    return twice


def confirm_by_code(run: Activation, code: str, *, actor: Actor, now: datetime) -> None:
    """Use the code (six digits) in the browser that asked for it; five tries in ten minutes.

    Raises:
        PortalRefused: CODE_WRONG or CODE_EXPIRED.
    """
    mine = Activation.objects.filter(pk=run.pk, state=ActivationState.MAIL_SENT)
    valid = mine.filter(code_expires_at__gt=now, code_tries__lt=CODE_TRIES).exclude(code_hash="")
    if not valid.update(code_tries=F("code_tries") + 1):
        raise PortalRefused(codes.CODE_EXPIRED)
    run.refresh_from_db()
    if not hmac.compare_digest(run.code_hash, confirmation_mails.hash_of_code(run, code)):
        used_up = run.code_tries >= CODE_TRIES
        raise PortalRefused(codes.CODE_EXPIRED if used_up else codes.CODE_WRONG)
    if not _go_on(run, {"code_hash": run.code_hash}, actor=actor, now=now):
        raise PortalRefused(codes.TAKEN_OVER)


def _go_on(run: Activation, still: dict[str, Any], *, actor: Actor, now: datetime) -> bool:
    """Exactly one of all who try moves the run on and queues its job; False for the others."""
    try:
        with transaction.atomic():
            changed = Activation.objects.filter(
                pk=run.pk, state=ActivationState.MAIL_SENT, **still
            ).update(state=ActivationState.CONFIRMED, confirmed_at=now, code_hash="")
            if changed:
                run.refresh_from_db()
                _start(run, actor=actor, now=now)
            return bool(changed)
    except PortalRefused as refusal:
        run.refresh_from_db()
        if refusal.code in RULES:
            show_on_row(run, refusal, now=now)
        raise


def _start(run: Activation, *, actor: Actor, now: datetime) -> None:
    """The address is confirmed: queue the job, if the user may still pass.

    Raises:
        PortalRefused: the caller's transaction is undone, so that nothing is used up.
    """
    if run.subscriber is not None and run.subscriber.deleted_at:
        raise PortalRefused(codes.LINK_USED)
    admission = admit(run)
    enqueue(run, admission, actor=actor, now=now)


def enqueue(run: Activation, admission: Admission, *, actor: Actor, now: datetime) -> None:
    """Queue the job that provisions the confirmed address, in the caller's transaction.

    Raises:
        PortalRefused: BUSY while another action on the user has not ended.
    """
    bind(run, admission)
    target = outbox.Target(
        connection=run.template.partner.connection,
        template=run.template,
        enterprise_id=admission.enterprise_id,
        broadworks_id=run.broadworks_id,
        subscriber=admission.subscriber,
    )
    params = provision_params(run, admission)
    try:
        job = outbox.enqueue(
            JobKind.PROVISION, target, actor=actor, now=now, params=params, activation=run
        )
    except outbox.AlreadyUnfinished as error:
        raise PortalRefused(codes.BUSY) from error
    if row := admission.subscriber:
        shown_status.clear_own_errors(row, now=now)
        shown_status.refresh(row, now=now)
    audit.record(
        actor,
        "activation.confirm",
        run,
        partner=run.partner,
        after={"email": run.email, "job": str(job.uuid)},
    )
