"""Accepting administrators' actions: one call each, one transaction each.

Every function checks the right, the partner and the status anew, writes the job, the timeline
and the audit row together, and answers the job.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from accounts.rights import Right, may
from provisioning import endings, outbox, selectors
from provisioning.addresses import normalise
from provisioning.models import (
    Activation,
    Cause,
    Job,
    StatusEvent,
    Subscriber,
    SubscriberQuerySet,
)
from provisioning.states import (
    FINAL,
    ActivationState,
    JobKind,
    JobState,
    allowed_kinds,
)
from templates_app.models import Package


class ActionRefused(Exception):
    """The action cannot be accepted now; the message is for the person who asked.

    Attributes:
        code: stable and short, for tests and support.
        field: the form field it belongs to, or "".
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def retry_activation(
    subscriber: Subscriber,
    *,
    email: str,
    actor: Actor,
    now: datetime,
    make_administrator: bool = False,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Queue a repeated activation with an address that the administrator vouches for.

    `email` comes in any case and script and is kept as addresses.normalise makes it;
    `make_administrator` lets the user pass *provision admin first*; `submission_id` is of the
    form: sending the form twice makes one job.

    Raises:
        ActionRefused: the status, an unfinished job or the order stands against it.
        BadAddress: the address cannot be used.
        PermissionDenied: the actor may not act here.
    """
    address = normalise(email)
    with transaction.atomic():
        row = _locked(subscriber, actor)
        if job := _known(row, submission_id):
            return job
        _check_allowed(row, JobKind.RETRY)
        _check_turn(row, make_administrator=make_administrator)
        if make_administrator and not row.is_customer_administrator:
            row.is_customer_administrator = True
            row.save(update_fields=["is_customer_administrator"])
        params = _provision_params(row) | {"email": address}
        job = _enqueue(JobKind.RETRY, row, params, actor, now, submission_id)
        _replace_open_confirmation(row)
        _tell(row, job, actor, now=now, after=address)
    return job


def delete_user(
    subscriber: Subscriber,
    *,
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Queue the removal of the subscriber at Webex; the user may start over afterwards.

    Raises:
        ActionRefused, PermissionDenied: as `retry_activation`.
    """
    with transaction.atomic():
        row = _locked(subscriber, actor)
        if job := _known(row, submission_id):
            return job
        _check_allowed(row, JobKind.DELETE)
        job = _enqueue(JobKind.DELETE, row, {"webex_id": row.webex_id}, actor, now, submission_id)
        _tell(row, job, actor, now=now)
    return job


def change_package(
    subscriber: Subscriber,
    *,
    package: str,
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Queue a change of the package, one of softphone, basic, standard, premium.

    Raises:
        ActionRefused: also for the package that the user has already.
        PermissionDenied: as `retry_activation`.
    """
    with transaction.atomic():
        row = _locked(subscriber, actor)
        if job := _known(row, submission_id):
            return job
        _check_allowed(row, JobKind.PACKAGE)
        if not row.webex_id:
            message = _("Webex does not hold this user now. Retry the activation first.")
            raise ActionRefused("no_subscriber", message)
        if package not in Package.values:
            raise ActionRefused(
                "unknown_package", _("Choose one of the packages."), field="package"
            )
        if package == row.package:
            message = _("The user has this package already. Choose another one.")
            raise ActionRefused("same_package", message, field="package")
        params = {"webex_id": row.webex_id, "package": package, "former": row.package}
        job = _enqueue(JobKind.PACKAGE, row, params, actor, now, submission_id)
        _tell(row, job, actor, now=now, before=row.package, after=package)
    return job


def cancel_job(job: Job, *, actor: Actor, now: datetime) -> Job:
    """Cancel a job of which nothing was sent yet: own ones, or anybody's with the right to manage.

    Raises:
        ActionRefused: it was sent or has ended.
        PermissionDenied: not this person's to cancel.
    """
    _check_job_right(job, actor)
    with transaction.atomic():
        if not endings.cancel(job, now=now):
            message = _("It is too late to cancel: the request was sent or the job has ended.")
            raise ActionRefused("too_late", message)
        job.refresh_from_db()
        audit.record(actor, "job.cancel", job, partner=job.partner)
    return job


def retry_job(job: Job, *, actor: Actor, now: datetime) -> Job:
    """Queue a failed or cancelled job again, as a new job with the same orders.

    The user is judged and looked up as it is now: the subscriber may be another one.

    Raises:
        ActionRefused: it has not ended, or the status or an unfinished job stands against it.
        PermissionDenied: not this person's to repeat.
    """
    _check_job_right(job, actor)
    if job.state not in FINAL or job.state == JobState.DONE:
        raise ActionRefused("not_failed", _("Only a failed or cancelled job can be repeated."))
    with transaction.atomic():
        target, params = _orders(job)
        try:
            again = outbox.enqueue(JobKind(job.kind), target, actor=actor, now=now, params=params)
        except outbox.AlreadyUnfinished as error:
            raise _busy() from error
        audit.record(actor, "job.retry", again, partner=job.partner, before={"job": str(job.uuid)})
    return again


def _orders(job: Job) -> tuple[outbox.Target, dict[str, Any]]:
    """Whom and what a repeated job is about; its row is held until the transaction ends."""
    if job.subscriber_id is None:
        target = outbox.Target(job.connection, job.template, job.enterprise_id, job.broadworks_id)
        return target, job.params
    row: Subscriber = _held_rows().get(pk=job.subscriber_id)
    _check_allowed(row, JobKind.RETRY if job.kind == JobKind.PROVISION else JobKind(job.kind))
    return outbox.Target.of(row), job.params | {"webex_id": row.webex_id}


def _locked(subscriber: Subscriber, actor: Actor) -> Subscriber:
    """The row as it is now, held until the transaction ends; the partner is checked anew."""
    user = actor.user
    if user is None or not may(user, Right.ACT) or user.partner_id != subscriber.partner_id:
        raise PermissionDenied
    row: Subscriber = _held_rows().get(pk=subscriber.pk)
    return row


def _held_rows() -> SubscriberQuerySet:
    held = Subscriber.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("connection", "template", "partner")


def _known(row: Subscriber, submission_id: uuid.UUID | None) -> Job | None:
    """The job that this very form made already: a double click is one action."""
    if submission_id is None:
        return None
    return Job.objects.filter(partner_id=row.partner_id, submission_id=submission_id).first()


def _check_allowed(row: Subscriber, kind: JobKind) -> None:
    if row.deleted_at:
        raise ActionRefused("deleted", _("The user is deleted. Reload the page."))
    if selectors.unfinished_job_of(row):
        raise _busy()
    if kind not in allowed_kinds(row.status, busy=False):
        message = _("This cannot be done while the status is “%(status)s”.")
        raise ActionRefused("wrong_status", message % {"status": row.status_label})


def _busy() -> ActionRefused:
    message = _("Another action on this user has not ended yet. Wait until it has.")
    return ActionRefused("busy", message)


def _check_turn(row: Subscriber, *, make_administrator: bool) -> None:
    """*Provision admin first*: until somebody of the enterprise is active, only one may pass."""
    if not row.template.provision_admin_first or make_administrator:
        return
    first = selectors.first_in_line(row.template, row.enterprise_id)
    if first is not None and first.pk != row.pk:
        message = _(
            "%(name)s must be active first, as this customer's administrator. Wait, or tick that "
            "this user becomes the administrator instead."
        )
        raise ActionRefused(
            "admin_first",
            message % {"name": first.name or first.broadworks_id},
            field="make_administrator",
        )


def _provision_params(row: Subscriber) -> dict[str, Any]:
    """All that a POST needs, saved before anything is sent (a DELETE may come first)."""
    return {
        "webex_id": row.webex_id,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "package": row.package or row.template.default_package,
        "primary_phone": row.primary_phone,
        "mobile_phone": row.mobile_phone,
        "extension": row.extension,
        "language": row.template.language,
    }


def _enqueue(
    kind: JobKind,
    row: Subscriber,
    params: dict[str, Any],
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None,
) -> Job:
    try:
        return outbox.enqueue(
            kind,
            outbox.Target.of(row),
            actor=actor,
            now=now,
            params=params,
            submission_id=submission_id,
        )
    except outbox.AlreadyUnfinished as error:
        raise _busy() from error


def _replace_open_confirmation(row: Subscriber) -> None:
    """The administrator vouches for an address now: a mail still under way is worth nothing."""
    Activation.objects.filter(subscriber=row, state=ActivationState.MAIL_SENT).update(
        state=ActivationState.REPLACED, token_hash="", code_hash=""
    )


def _tell(
    row: Subscriber,
    job: Job,
    actor: Actor,
    *,
    now: datetime,
    before: str = "",
    after: str = "",
) -> None:
    StatusEvent.objects.create(
        subscriber=row,
        at=now,
        cause=Cause.ADMINISTRATOR,
        actor_label=actor.label[:200],
        what="requested",
        before=before,
        after=after,
        text=job.kind,
        job=job,
    )
    Subscriber.objects.filter(pk=row.pk).update(version=F("version") + 1)
    audit.record(
        actor,
        f"subscriber.{job.kind}",
        row,
        partner=row.partner,
        before={"value": before} if before else {},
        after={"value": after, "job": str(job.uuid)},
    )


def _check_job_right(job: Job, actor: Actor) -> None:
    user = actor.user
    if user is None:
        raise PermissionDenied
    if user.is_staff and user.is_active and not user.partner_id:
        return
    own = job.requested_by_id == user.pk
    right = Right.ACT if own else Right.MANAGE
    if user.partner_id != job.partner_id or not may(user, right):
        raise PermissionDenied
