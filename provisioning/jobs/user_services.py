"""Accepting administrators' actions on users: one call each, one transaction each.

`act` checks the right, the partner and the status anew, writes the job, the timeline
and the audit row together, and answers the job.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts import audit
from accounts.access import check_right
from accounts.audit import Actor
from accounts.rights import Right
from common.addresses import normalise
from provisioning import shown_status
from provisioning.jobs import eligibility, outbox
from provisioning.kinds import Given, kind_of
from provisioning.models import Activation, Cause, Job, StatusEvent, Subscriber
from provisioning.states import ActivationState, JobKind


def act(  # noqa: PLR0913 -- what an action is made of
    kind: str,
    subscriber: Subscriber,
    *,
    given: Given,
    actor: Actor,
    now: datetime,
    make_administrator: bool = False,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Queue a job of any kind that people ask for; `given` as its rules want it (kinds.py).

    `make_administrator` lets the user pass *provision admin first*; `submission_id` is of the
    form: sending the form twice makes one job.

    Raises:
        ActionRefused: the status, an unfinished job or the order stands against it.
        PermissionDenied: the actor may not do this here.
    """
    rules = kind_of(kind)
    with transaction.atomic():
        row = _locked(subscriber, rules.right, actor)
        if job := _known(row, submission_id):
            return job
        eligibility.check_given(kind, given)
        eligibility.check_allowed(row, kind, given)
        if rules.activates:
            _take_turn(row, make_administrator=make_administrator)
        job = _enqueue(kind, row, given, actor, now, submission_id)
        if rules.activates:
            _replace_open_confirmation(row, now)
        _record(row, job, actor)
    return job


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

    `email` comes in any case and script and is kept as addresses.normalise makes it; the others
    as in `act`.

    Raises:
        ActionRefused, PermissionDenied: as `act`.
        BadAddress: the address cannot be used.
    """
    return act(
        JobKind.RETRY,
        subscriber,
        given={"email": normalise(email)},
        actor=actor,
        now=now,
        make_administrator=make_administrator,
        submission_id=submission_id,
    )


def delete_user(
    subscriber: Subscriber,
    *,
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None = None,
) -> Job:
    """Queue the removal of the subscriber at Webex; the user may start over afterwards.

    Nothing is sent for DELETE_GRACE_SECONDS: so long anybody who may delete can take it back
    (job_services.undo_delete).

    Raises:
        ActionRefused, PermissionDenied: as `act`.
    """
    return act(
        JobKind.DELETE, subscriber, given={}, actor=actor, now=now, submission_id=submission_id
    )


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
        PermissionDenied: as `act`.
    """
    given = {"package": package}
    return act(
        JobKind.PACKAGE, subscriber, given=given, actor=actor, now=now, submission_id=submission_id
    )


def _locked(subscriber: Subscriber, right: Right, actor: Actor) -> Subscriber:
    """The row as it is now, held until the transaction ends; the partner is checked anew."""
    check_right(actor, right, subscriber.partner_id)
    row: Subscriber = eligibility.held_rows().get(pk=subscriber.pk)
    return row


def _known(row: Subscriber, submission_id: uuid.UUID | None) -> Job | None:
    """The job that this very form made already: a double click is one action."""
    if submission_id is None:
        return None
    return Job.objects.filter(partner_id=row.partner_id, submission_id=submission_id).first()


def _take_turn(row: Subscriber, *, make_administrator: bool) -> None:
    eligibility.check_turn(row, make_administrator=make_administrator)
    if make_administrator and not row.is_customer_administrator:
        row.is_customer_administrator = True
        row.save(update_fields=["is_customer_administrator"])


def _enqueue(
    kind: str,
    row: Subscriber,
    given: Given,
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None,
) -> Job:
    rules = kind_of(kind)
    copied = {name: getattr(row, name) for name in rules.copied}
    try:
        return outbox.enqueue(
            kind,
            outbox.Target.of(row),
            actor=actor,
            now=now,
            params=copied | rules.params(row, row.template, given),
            submission_id=submission_id,
            grace=rules.grace,
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


def _record(row: Subscriber, job: Job, actor: Actor) -> None:
    """Write the timeline and the audit row, and let open pages know."""
    shown = kind_of(job.kind).shown
    before, after = job.params.get(shown.before, ""), job.params.get(shown.after, "")
    StatusEvent.objects.create(
        subscriber=row,
        at=Now(),  # shown_status.TOLD_AT
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
