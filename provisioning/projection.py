"""Where every answer of the backend enters, whoever asked, and where the shown row is derived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts.models import BackendConnection
from provisioning import codes, outbox
from provisioning.models import Activation, Cause, Job, Mail, StatusEvent, Subscriber
from provisioning.states import (
    PENDING,
    UNSETTLED,
    ActivationState,
    JobKind,
    JobState,
    Status,
    shown_status,
)
from templates_app.models import OnboardingTemplate
from webex.payloads import RemoteSubscriber

#: Fields copied as they are.
COPIED = {
    "person_id": "person_id",
    "broadworks_id": "user_id",
    "enterprise_id": "sp_enterprise_id",
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "primary_phone": "primary_phone",
    "mobile_phone": "mobile_phone",
    "extension": "extension",
    "package": "package",
    "self_activated": "self_activated",
    "backend_status": "status",
    "backend_created_at": "created",
    "backend_changed_at": "last_status_change",
}


@dataclass(frozen=True)
class Answer:
    """A subscriber as the backend told it, and when we had asked (our clock).

    `template` is the one asked about, for answers that name no provisioning ID.
    """

    remote: RemoteSubscriber
    asked_at: datetime
    cause: Cause = Cause.SYNC
    job: Job | None = None
    template: OnboardingTemplate | None = None


def apply_answer(
    connection: BackendConnection, answer: Answer, *, now: datetime
) -> Subscriber | None:
    """Bring one answer into our row, creating it when the subscriber is new to us.

    Answers whose provisioning ID belongs to no template here are left out (None), and so is an
    answer that is older than what we know (promise 2). Ends a job that waited for this outcome.
    """
    template = _template_of(connection, answer)
    if template is None:
        return None
    try:
        with transaction.atomic():
            return _apply(connection, template, answer, now=now)
    except IntegrityError:  # another process met the new subscriber at the same moment
        with transaction.atomic():
            return _apply(connection, template, answer, now=now)


def _template_of(connection: BackendConnection, answer: Answer) -> OnboardingTemplate | None:
    if not answer.remote.provisioning_id:
        return answer.template or (answer.job.template if answer.job else None)
    return OnboardingTemplate.objects.filter(
        partner_id=connection.partner_id, provisioning_id=answer.remote.provisioning_id
    ).first()


def _apply(
    connection: BackendConnection, template: OnboardingTemplate, answer: Answer, *, now: datetime
) -> Subscriber | None:
    row = _find(connection, template, answer)
    if row is None:
        if _was_deleted_meanwhile(connection, answer):
            return None
        row = Subscriber(partner_id=connection.partner_id, connection=connection, template=template)
    elif _is_older(row, answer):
        return row
    return _bring_in(row, template, answer, now=now)


def _find(
    connection: BackendConnection, template: OnboardingTemplate, answer: Answer
) -> Subscriber | None:
    rows = Subscriber.objects.select_for_update(no_key=True)
    live = rows.filter(connection=connection, deleted_at=None)
    row: Subscriber | None = live.filter(webex_id=answer.remote.id).first()
    if row:
        return row
    # A retry by DELETE and POST made a new id: the row is the user, and keeps its place.
    halfway = live.filter(
        webex_id=None,
        template=template,
        broadworks_id=answer.remote.user_id,
        enterprise_id=answer.remote.sp_enterprise_id,
    )
    gone = rows.filter(
        connection=connection, webex_id=answer.remote.id, deleted_at__lt=answer.asked_at
    )
    return halfway.first() or gone.order_by("-deleted_at").first()


def _was_deleted_meanwhile(connection: BackendConnection, answer: Answer) -> bool:
    """We deleted the user after this answer was asked for: it tells of the past."""
    rows = Subscriber.objects.filter(connection=connection)
    deleted = rows.filter(webex_id=answer.remote.id, deleted_at__gte=answer.asked_at)
    return deleted.exists()


def _is_older(row: Subscriber, answer: Answer) -> bool:
    """Older by the backend's clock; where that cannot tell, whatever was asked for earlier."""
    if row.webex_id is None:
        return _was_replaced(row, answer)
    known, told = row.backend_changed_at, answer.remote.last_status_change
    if known and told and known != told:
        return told < known
    return answer.asked_at < row.seen_at


def _was_replaced(row: Subscriber, answer: Answer) -> bool:
    """It tells of the subscriber that a retry by DELETE and POST deleted."""
    return (
        answer.job is None
        and Job.objects.filter(
            subscriber=row, step="post", params__webex_id=answer.remote.id
        ).exists()
    )


def _bring_in(
    row: Subscriber, template: OnboardingTemplate, answer: Answer, *, now: datetime
) -> Subscriber:
    before = _shown(row)
    is_new = row.pk is None
    restored = row.deleted_at is not None
    row.template, row.webex_id = template, answer.remote.id
    known_change = row.backend_changed_at
    for ours, theirs in COPIED.items():
        setattr(row, ours, getattr(answer.remote, theirs))
    row.backend_changed_at = row.backend_changed_at or known_change
    row.seen_at = answer.asked_at if is_new else max(row.seen_at, answer.asked_at)
    row.deleted_at, row.deleted_by, row.deleted_here = None, "", False
    row.backend_error = _error_of(row, answer)
    if row.backend_status == Status.PROVISIONED:
        row.job_error, row.activation_error = {}, {}
    derive(row)
    changed_at = answer.remote.last_status_change or now
    if is_new:
        row.last_change_at = changed_at
        row.save(force_insert=True)
        _event(row, answer, "arrived", now=now, after=row.status)
    elif restored or before != _shown(row):
        row.last_change_at = max(changed_at, row.last_change_at)
        row.version = F("version") + 1
        row.save()
        row.refresh_from_db(fields=["version"])
        _tell(row, before, answer, restored=restored, now=now)
    else:
        row.save(update_fields=["seen_at"])
    if row.backend_status == Status.PROVISIONED:
        _activated(row, now=now)
    if answer.job is None:
        _settle(row, now=now)
    return row


def _activated(row: Subscriber, *, now: datetime) -> None:
    """The account exists: the run of the portal that led here is done, and its user is told."""
    runs = Activation.objects.select_for_update(no_key=True).filter(
        template=row.template,
        broadworks_id=row.broadworks_id,
        enterprise_id=row.enterprise_id,
        state=ActivationState.CONFIRMED,
    )
    for run in runs:
        run.state, run.subscriber = ActivationState.DONE, row
        run.save(update_fields=["state", "subscriber", "updated_at"])
        Mail.objects.create(
            activation=run, purpose=Mail.Purpose.READY, to=run.email, created_at=now
        )


def _shown(row: Subscriber) -> dict[str, Any]:
    names = [*COPIED, "webex_id", "status", "error_code", "error_text", "template_id"]
    return {name: getattr(row, name) for name in names if row.pk}


def _error_of(row: Subscriber, answer: Answer) -> dict[str, Any]:
    """The newest of errors[]; its time is the backend's, and stays while the error stays."""
    if not answer.remote.errors:
        return {}
    first = answer.remote.errors[0]
    at = answer.remote.last_status_change or answer.asked_at
    return {"code": first.code or "", "text": first.text, "tracking_id": "", "at": at.isoformat()}


def derive(row: Subscriber) -> None:
    """Set what is shown: the status, and the newest of the three errors."""
    open_confirmation = (
        row.pk is not None
        and Activation.objects.filter(subscriber=row, state=ActivationState.MAIL_SENT).exists()
    )
    row.status = shown_status(row.backend_status, confirmation_open=open_confirmation)
    errors = [e for e in (row.backend_error, row.job_error, row.activation_error) if e]
    newest = max(errors, key=lambda e: datetime.fromisoformat(e["at"]), default=None)
    row.error_code = newest["code"] if newest else ""
    row.error_text = newest["text"] if newest else ""
    row.error_tracking_id = newest["tracking_id"] if newest else ""
    row.error_at = datetime.fromisoformat(newest["at"]) if newest else None


def _tell(
    row: Subscriber, before: dict[str, Any], answer: Answer, *, restored: bool, now: datetime
) -> None:
    if restored:
        _event(row, answer, "restored", now=now, after=row.status)
    if before["status"] != row.status or (before["error_code"], before["error_text"]) != (
        row.error_code,
        row.error_text,
    ):
        _event(row, answer, "status", now=now, before=before["status"], after=row.status)
    if before["package"] != row.package:
        _event(row, answer, "package", now=now, before=before["package"], after=row.package)


def _event(
    row: Subscriber,
    answer: Answer,
    what: str,
    *,
    now: datetime,
    before: str = "",
    after: str = "",
) -> None:
    StatusEvent.objects.create(
        subscriber=row,
        at=now,
        cause=answer.cause,
        what=what,
        before=before,
        after=after,
        error_code=row.error_code,
        text=row.error_text,
        tracking_id=row.error_tracking_id,
        job=answer.job,
    )


def _settle(row: Subscriber, *, now: datetime) -> None:
    """A settled status ends the job that waited for it."""
    if row.backend_status in UNSETTLED:
        return
    for job in outbox.waiting(row):
        ending = ending_of(row, job)
        if outbox.settle(job, ending, now=now) and ending.state == JobState.FAILED:
            note_job_error(row, ending, job, now=now)


def ending_of(row: Subscriber, job: Job) -> outbox.Ending:
    """What a settled backend status means for the job that asked for it.

    provisioned and the three waiting statuses are success; error is failure (reliability.md 2.2).
    A package is changed when the subscriber has it: a user in error stays in error.
    """
    if job.kind == JobKind.PACKAGE:
        reached = row.package == job.params["package"]
    else:
        reached = row.backend_status == Status.PROVISIONED or row.backend_status in PENDING
    if reached:
        return outbox.Ending(JobState.DONE)
    error = row.backend_error
    return outbox.Ending(
        JobState.FAILED,
        code=error.get("code") or codes.REFUSED,
        text=error.get("text", ""),
        tracking_id=error.get("tracking_id", ""),
    )


# ---- Changes of the shown row that come from us ----


def note_job_error(row: Subscriber, ending: outbox.Ending, job: Job, *, now: datetime) -> None:
    """A job failed: keep its error beside the backend's own."""
    error = {
        "code": ending.code,
        "text": ending.text,
        "tracking_id": ending.tracking_id,
        "at": now.isoformat(),
    }
    _update(row, now=now, cause=Cause.JOB, job=job, job_error=error)


def note_activation_error(row: Subscriber, error: dict[str, Any], *, now: datetime) -> None:
    """The portal refused: {"code", "text", "tracking_id", "at"} is kept beside the other two."""
    _update(row, now=now, cause=Cause.PORTAL, activation_error=error)


def clear_own_errors(row: Subscriber, *, now: datetime) -> None:
    """An attempt of ours was accepted: what failed before it is history."""
    if row.job_error or row.activation_error:
        _update(row, now=now, cause=Cause.JOB, job_error={}, activation_error={})


def refresh(row: Subscriber, *, now: datetime, cause: Cause = Cause.PORTAL) -> None:
    """Derive the shown status anew, as after a confirmation was opened or closed."""
    _update(row, now=now, cause=cause)


def _update(
    row: Subscriber, *, now: datetime, cause: Cause, job: Job | None = None, **values: Any
) -> None:
    with transaction.atomic():
        locked = Subscriber.objects.select_for_update(no_key=True).get(pk=row.pk)
        before = (locked.status, locked.error_code, locked.error_text, locked.error_at)
        for name, value in values.items():
            setattr(locked, name, value)
        derive(locked)
        if before != (locked.status, locked.error_code, locked.error_text, locked.error_at):
            locked.last_change_at = max(now, locked.last_change_at)
            StatusEvent.objects.create(
                subscriber=locked,
                at=now,
                cause=cause,
                what="error" if locked.error_code or locked.error_text else "status",
                before=before[0],
                after=locked.status,
                error_code=locked.error_code,
                text=locked.error_text,
                tracking_id=locked.error_tracking_id,
                job=job,
            )
        locked.version = F("version") + 1
        locked.save()
    row.refresh_from_db()


def mark_deleted(
    row: Subscriber, *, now: datetime, by: str, here: bool, job: Job | None = None
) -> None:
    """The backend has no such subscriber any more; `here` = one of our people deleted it.

    What our people did counts, also when somebody noticed the deletion before their job ended.
    """
    known = Q(deleted_here=False) if here else Q(deleted_at=None, webex_id=row.webex_id)
    with transaction.atomic():
        changed = Subscriber.objects.filter(known, pk=row.pk).update(
            deleted_at=now,
            deleted_by=by[:200],
            deleted_here=here,
            last_change_at=now,
            version=F("version") + 1,
        )
        if changed:
            StatusEvent.objects.create(
                subscriber=row,
                at=now,
                cause=Cause.JOB if here else Cause.SYNC,
                actor_label=by[:200],
                what="deleted",
                before=row.status,
                job=job,
            )
    row.refresh_from_db()
