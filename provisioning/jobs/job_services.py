"""What people do to jobs: cancel one, or queue it again. One call each, one transaction each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from provisioning.jobs import completion, eligibility, outbox, permissions
from provisioning.jobs.eligibility import ActionRefused
from provisioning.kinds import kind_of
from provisioning.models import Job, Subscriber
from provisioning.states import FINAL, JobState


def cancel_job(job: Job, *, actor: Actor, now: datetime) -> Job:
    """Cancel a job of which nothing was sent yet: own ones, or anybody's with the right to manage.

    Raises:
        ActionRefused: it was sent or has ended.
        PermissionDenied: not this person's to cancel.
    """
    if not permissions.may_cancel(actor.user, job):
        raise PermissionDenied
    with transaction.atomic():
        if not completion.cancel(job, now=now, by=actor.label):
            message = _("It is too late to cancel: the request was sent or the job has ended.")
            raise ActionRefused("too_late", message)
        job.refresh_from_db()
        audit.record(actor, "job.cancel", job, partner=job.partner)
    return job


def undo_delete(job: Job, *, actor: Actor, now: datetime) -> Job:
    """Take a delete back within its time of grace: anybody of the partner who may do the same can.

    Raises:
        ActionRefused: the time is over, the request was sent, or it was taken back already.
        PermissionDenied: not somebody who may delete for this partner.
    """
    if not permissions.may_undo(actor.user, job):
        raise PermissionDenied
    with transaction.atomic():
        in_time = job.undo_until is not None and job.undo_until > now
        if not in_time or not completion.cancel(job, now=now, by=actor.label):
            raise ActionRefused(
                "too_late", _("It is too late to undo this: the user is being deleted.")
            )
        job.refresh_from_db()
        audit.record(actor, "job.undo", job, partner=job.partner)
    return job


def retry_job(job: Job, *, actor: Actor, now: datetime) -> Job:
    """Queue a failed or cancelled job again, as a new job with the same orders.

    The user is judged and looked up as it is now: the subscriber may be another one.

    Raises:
        ActionRefused: it has not ended, or the status or an unfinished job stands against it.
        PermissionDenied: not this person's to repeat.
    """
    if not permissions.may_repeat(actor.user, job):
        raise PermissionDenied
    if job.state not in FINAL or job.state == JobState.DONE:
        raise ActionRefused("not_failed", _("Only a failed or cancelled job can be repeated."))
    with transaction.atomic():
        target, params = _orders(job)
        try:
            grace = kind_of(job.kind).grace
            again = outbox.enqueue(
                job.kind, target, actor=actor, now=now, params=params, grace=grace
            )
        except outbox.AlreadyUnfinished as error:
            raise eligibility.busy() from error
        audit.record(actor, "job.retry", again, partner=job.partner, before={"job": str(job.uuid)})
    return again


def _orders(job: Job) -> tuple[outbox.Target, dict[str, Any]]:
    """Whom and what a repeated job is about; its row is held until the transaction ends."""
    if job.subscriber_id is None:
        target = outbox.Target(job.connection, job.template, job.enterprise_id, job.broadworks_id)
        return target, job.params
    row: Subscriber = eligibility.held_rows().get(pk=job.subscriber_id)
    eligibility.check_allowed(row, job.kind, {})
    return outbox.Target.of(row), job.params | {"webex_id": row.webex_id}
