"""Accepting administrators' actions on users: one call each, one transaction each.

Every function checks the right, the partner and the status anew, writes the job, the timeline
and the audit row together, and answers the job.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts import audit
from accounts.audit import Actor
from accounts.rights import Right, may
from provisioning import shown_status
from provisioning.addresses import normalise
from provisioning.jobs import eligibility, outbox
from provisioning.jobs import params as job_params
from provisioning.models import Activation, Cause, Job, StatusEvent, Subscriber
from provisioning.states import ActivationState, JobKind
from provisioning.timing import scaled


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
        eligibility.check_allowed(row, JobKind.RETRY)
        eligibility.check_turn(row, make_administrator=make_administrator)
        if make_administrator and not row.is_customer_administrator:
            row.is_customer_administrator = True
            row.save(update_fields=["is_customer_administrator"])
        params = job_params.for_retry(row.template, package=row.package, email=address)
        job = _enqueue(JobKind.RETRY, row, params, actor, now, submission_id)
        _replace_open_confirmation(row, now)
        _tell(row, job, actor, after=address)
    return job


def delete_user(
    subscriber: Subscriber,
    *,
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Queue the removal of the subscriber at Webex; the user may start over afterwards.

    Nothing is sent for DELETE_GRACE_SECONDS: so long anybody who may act can take it back
    (job_services.undo_delete).

    Raises:
        ActionRefused, PermissionDenied: as `retry_activation`.
    """
    with transaction.atomic():
        row = _locked(subscriber, actor)
        if job := _known(row, submission_id):
            return job
        eligibility.check_allowed(row, JobKind.DELETE)
        grace = scaled(settings.DELETE_GRACE_SECONDS)
        job = _enqueue(JobKind.DELETE, row, {}, actor, now, submission_id, grace=grace)
        _tell(row, job, actor)
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
        eligibility.check_package(package)
        eligibility.check_allowed(row, JobKind.PACKAGE, package=package)
        params = job_params.for_package(wanted=package, former=row.package)
        job = _enqueue(JobKind.PACKAGE, row, params, actor, now, submission_id)
        _tell(row, job, actor, before=row.package, after=package)
    return job


def _locked(subscriber: Subscriber, actor: Actor) -> Subscriber:
    """The row as it is now, held until the transaction ends; the partner is checked anew."""
    user = actor.user
    if user is None or not may(user, Right.ACT) or user.partner_id != subscriber.partner_id:
        raise PermissionDenied
    row: Subscriber = eligibility.held_rows().get(pk=subscriber.pk)
    return row


def _known(row: Subscriber, submission_id: uuid.UUID | None) -> Job | None:
    """The job that this very form made already: a double click is one action."""
    if submission_id is None:
        return None
    return Job.objects.filter(partner_id=row.partner_id, submission_id=submission_id).first()


def _enqueue(  # noqa: PLR0913 -- what a job is made of
    kind: JobKind,
    row: Subscriber,
    params: dict[str, Any],
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None,
    grace: timedelta | None = None,
) -> Job:
    try:
        return outbox.enqueue(
            kind,
            outbox.Target.of(row),
            actor=actor,
            now=now,
            params=job_params.copied(kind, row) | params,
            submission_id=submission_id,
            grace=grace,
        )
    except outbox.AlreadyUnfinished as error:
        raise eligibility.busy() from error


def _replace_open_confirmation(row: Subscriber, now: datetime) -> None:
    """The administrator vouches for an address now: a mail still under way is worth nothing."""
    replaced = Activation.objects.filter(subscriber=row, state=ActivationState.MAIL_SENT).update(
        state=ActivationState.REPLACED, token_hash="", code_hash=""
    )
    if replaced:
        shown_status.refresh(row, now=now, cause=Cause.ADMINISTRATOR)


def _tell(
    row: Subscriber,
    job: Job,
    actor: Actor,
    *,
    before: str = "",
    after: str = "",
) -> None:
    StatusEvent.objects.create(
        subscriber=row,
        at=Now(),  # shown.TOLD_AT
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
