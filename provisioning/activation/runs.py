"""Bookkeeping of one run of the portal: binding, refusing, replacing. Callers decide when."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from provisioning import codes, shown_status
from provisioning.activation.admission import (
    RULES,
    Admission,
    PortalRefused,
    admit,
    enterprise_of,
    is_waiting,
    own_row,
    template_of_other_row,
)
from provisioning.models import Activation, Subscriber
from provisioning.states import ActivationState

#: The states in which a run can still be changed by its user.
OPEN = (ActivationState.SIGNED_IN, ActivationState.MAIL_SENT, ActivationState.REFUSED)


def start_over(run: Activation, *, now: datetime) -> Activation:
    """A new run for a user whose earlier one was replaced, deleted or refused."""
    new = Activation.objects.create(
        partner_id=run.partner_id,
        template=run.template,
        broadworks_id=run.broadworks_id,
        profile=run.profile,
        email=run.email,
        language=run.language,
        created_at=now,
    )
    admit_or_refuse(new, now=now)
    return new


def admit_or_refuse(run: Activation, *, now: datetime) -> None:
    """Bind the run to its subscriber, or note on run and row why it may not go on."""
    if run.state not in OPEN:
        return
    try:
        bind(run, admit(run))
    except PortalRefused as refusal:
        refuse(run, refusal, now=now)
        return
    if run.error_code in RULES:
        _admitted_after_all(run, now=now)


def _admitted_after_all(run: Activation, *, now: datetime) -> None:
    """A rule stood in the way and no longer does: its refusal is history."""
    forget_error(run)
    run.state = ActivationState.SIGNED_IN
    run.save()
    row = run.subscriber
    if row is not None and row.activation_error.get("code") in RULES:
        shown_status.record_activation_error(row, {}, now=now)


def bind(run: Activation, admission: Admission) -> None:
    """Keep for whom the run is; the row's spelling of the user ID is Webex's."""
    run.subscriber = admission.subscriber
    if admission.subscriber:
        run.broadworks_id = admission.subscriber.broadworks_id
    run.enterprise_id, run.package = admission.enterprise_id, admission.package
    if run.subscriber and not run.email:
        run.email = run.subscriber.email
    run.save(
        update_fields=[
            "subscriber",
            "broadworks_id",
            "enterprise_id",
            "package",
            "email",
            "updated_at",
        ]
    )


def refuse(run: Activation, refusal: PortalRefused, *, now: datetime) -> None:
    """Note a refusal on the run and, where a row waits for the user, on the row."""
    with transaction.atomic():
        Activation.objects.filter(pk=run.pk, state__in=OPEN).update(
            state=ActivationState.REFUSED,
            error_code=refusal.code,
            error_text=refusal.text,
            error_tracking_id=refusal.tracking_id,
            error_at=now,
        )
        show_on_row(run, refusal, now=now)
    run.refresh_from_db()


def show_on_row(run: Activation, refusal: PortalRefused, *, now: datetime) -> None:
    """Put a refusal on the user's row, when there is one that waits for the user."""
    row = _row_of_refusal(run, refusal)
    if row is None:
        return
    error = {
        "code": refusal.code,
        "text": refusal.text or str(refusal.explanation.cisco_text),
        "tracking_id": refusal.tracking_id,
        "at": now.isoformat(),
    }
    shown_status.record_activation_error(row, error, now=now)


def _row_of_refusal(run: Activation, refusal: PortalRefused) -> Subscriber | None:
    if refusal.code == codes.OTHER_TEMPLATE and run.subscriber_id is None:
        row = template_of_other_row(run.template, run.broadworks_id)
    else:
        enterprise_id = enterprise_of(run.template, run.profile)
        row = run.subscriber or own_row(run.template, run.broadworks_id, enterprise_id)
    return row if row is not None and not row.deleted_at and is_waiting(row) else None


def lock(run: Activation) -> None:
    """Hold the run, as it is now.

    Raises:
        PortalRefused: it ended meanwhile, in another tab or by an administrator.
    """
    Activation.objects.select_for_update(no_key=True).get(pk=run.pk)
    run.refresh_from_db()
    if run.state not in OPEN:
        raise PortalRefused(codes.TAKEN_OVER)


def replace_others(run: Activation) -> None:
    """One open run per user: the newest."""
    Activation.objects.filter(
        template=run.template, broadworks_id__iexact=run.broadworks_id, state__in=OPEN
    ).exclude(pk=run.pk).update(state=ActivationState.REPLACED, token_hash="", code_hash="")


def forget_secrets(run: Activation) -> None:
    """Make link and code of earlier mails worthless; the caller saves."""
    run.token_hash, run.code_hash, run.code_tries = "", "", 0


def forget_error(run: Activation) -> None:
    """An attempt was accepted: what failed before it is history; the caller saves."""
    run.error_code, run.error_text, run.error_tracking_id, run.error_at = "", "", "", None
