"""Where every answer of the backend enters our rows, whoever asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import BackendConnection
from provisioning import codes, endings, shown
from provisioning.models import Activation, Cause, Job, Mail, StatusEvent, Subscriber
from provisioning.states import SETTLED, ActivationState, JobState, Status
from provisioning.timing import AHEAD
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
    answer = _without_future(answer, now)
    try:
        with transaction.atomic():
            return _apply(connection, template, answer, now=now)
    except IntegrityError:  # another process met the new subscriber at the same moment
        with transaction.atomic():
            return _apply(connection, template, answer, now=now)


def _without_future(answer: Answer, now: datetime) -> Answer:
    """Leave out a time that has not come yet: kept, it would make all that the backend says look
    old as soon as its clock is right again, and a job would wait for ever.
    """
    told = answer.remote.last_status_change
    if told is None or told <= now + AHEAD:
        return answer
    return replace(answer, remote=replace(answer.remote, last_status_change=None))


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
    shown.derive(row)
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
        if restored or before.get("backend_status") != Status.PROVISIONED:
            _let_others_pass(row, now=now)
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


def _let_others_pass(row: Subscriber, *, now: datetime) -> None:
    """*Provision admin first*: somebody is active now, so nobody there waits for the first one.

    A row that is being written at this moment is left out, lest two answers wait for each other.
    """
    if not row.template.provision_admin_first:
        return
    waiting = Subscriber.objects.live().filter(
        template=row.template,
        enterprise_id=row.enterprise_id,
        activation_error__code=codes.ADMIN_FIRST,
    )
    for other in waiting.select_for_update(no_key=True, skip_locked=True):
        shown.note_activation_error(other, {}, now=now)


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
    if row.backend_status not in SETTLED:
        return
    for job in endings.waiting(row):
        ending = endings.ending_of(row, job)
        if endings.settle(job, ending, now=now) and ending.state == JobState.FAILED:
            shown.note_job_error(row, ending.error(now), job, now=now)
