"""Batches: one action on up to ten thousand users, accepted at once, in one transaction.

This is the one way in. Judging is in eligibility.py, the statements in statements.py, the
first few rows and the brake in rollout.py, what people see of it in progress.py and
results.py.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from provisioning import codes, shown_status, timing
from provisioning.bulk import eligibility as bulk_eligibility
from provisioning.bulk import rollout, statements
from provisioning.bulk.eligibility import JudgedUser, Preview, Refusal, preview
from provisioning.bulk.progress import BatchState, Finish, Limit, Progress, progress, state_of
from provisioning.bulk.results import OUTCOMES, results, write_results
from provisioning.bulk.rollout import BRAKE_AFTER, unfinished_ids, watch
from provisioning.bulk.statements import TRIAL_SIZE, Times
from provisioning.jobs import permissions
from provisioning.jobs.eligibility import ActionRefused
from provisioning.kinds import kind_of
from provisioning.models import Activation, Cause, Job, JobBatch
from provisioning.states import ActivationState, JobState
from templates_app.models import OnboardingTemplate

__all__ = [
    "BRAKE_AFTER",
    "OUTCOMES",
    "TRIAL_SIZE",
    "BatchState",
    "Finish",
    "Limit",
    "Preview",
    "Progress",
    "Refusal",
    "accept",
    "cancel",
    "may_cancel",
    "may_resume",
    "preview",
    "progress",
    "results",
    "resume",
    "retry_failed",
    "state_of",
    "unfinished_ids",
    "watch",
    "write_results",
]


def accept(  # noqa: PLR0913 -- what a batch is made of
    template: OnboardingTemplate,
    kind: str,
    ids: Sequence[int],
    *,
    params: dict[str, Any],
    actor: Actor,
    now: datetime,
    submission_id: uuid.UUID | None = None,
    query: str = "",
    parent: JobBatch | None = None,
) -> JobBatch:
    """Accept one action on these users of the template, judged anew; all of it or nothing.

    Users for whom nothing can be done get a job that is cancelled from the start, with the reason
    as its code. A deletion waits for its time of grace. `params` as in `preview`; `query` is the
    screen's filters; `submission_id` is of the form: sending it twice makes one batch.

    Raises:
        ActionRefused: too_many, or nothing_to_do because not one of the users can have it.
        PermissionDenied: the actor may not act here, or one of the users is not the partner's.
    """
    bulk_eligibility.check(template, kind, ids, params=params, actor=actor)
    batch = JobBatch(
        partner_id=template.partner_id,
        connection=template.partner.connection,
        template=template,
        kind=kind,
        params=params,
        query=query,
        parent=parent,
        requested_by=actor.user,
        requested_label=actor.label[:200],
        submission_id=submission_id,
        created_at=now,
    )
    try:
        with transaction.atomic():
            return _known(batch) or _write(batch, ids, actor)
    except IntegrityError:
        if known := _known(batch):  # the same form, sent twice at the same moment
            return known
        raise


def _known(batch: JobBatch) -> JobBatch | None:
    if batch.submission_id is None:
        return None
    same = JobBatch.objects.filter(partner=batch.partner_id, submission_id=batch.submission_id)
    return same.first()


def _write(batch: JobBatch, ids: Sequence[int], actor: Actor) -> JobBatch:
    rows = bulk_eligibility.judge(batch.template, batch.kind, ids, params=batch.params, hold=True)
    if known := _known(batch):  # the same form, which held the rows until now
        return known
    able = [row for row in rows if not row.code]
    if not able:
        raise ActionRefused("nothing_to_do", _("This can be done for none of the chosen users."))
    times = _times(batch)
    batch.total = len(rows)
    if len(able) <= TRIAL_SIZE:
        batch.released_at = times.now
    batch.save(force_insert=True)
    rows = _insert(batch, rows, actor, times)
    _record_audit(batch, rows, actor)
    rollout.hint(batch)
    return batch


def _times(batch: JobBatch) -> Times:
    """Workers go by PostgreSQL's clock, so a time of grace begins by it too."""
    now, grace = timing.now(), kind_of(batch.kind).grace
    if not grace:
        return Times(batch.created_at, now, now)
    batch.undo_until = now + grace
    return Times(batch.created_at, now, batch.undo_until)


def _insert(
    batch: JobBatch, rows: list[JudgedUser], actor: Actor, times: Times
) -> list[JudgedUser]:
    """Write the rows; returns them with what became of each."""
    queued = statements.insert(batch, rows, actor, times)
    late = {row.user.id for row in rows if not row.code} - queued
    if late:  # the portal, which does not wait for the row, was quicker by a moment
        lost = [row._replace(code=codes.SKIP_BUSY) for row in rows if row.user.id in late]
        statements.insert(batch, lost, actor, times)
        rows = [row for row in rows if row.user.id not in late] + lost
    if kind_of(batch.kind).activates:
        _replace_open_confirmations(batch)
    return rows


def _replace_open_confirmations(batch: JobBatch) -> None:
    """The administrator vouches for the addresses now: mails under way are worth nothing."""
    retried = Job.objects.filter(batch=batch, state=JobState.QUEUED).order_by()
    open_runs = Activation.objects.filter(state=ActivationState.MAIL_SENT)
    runs = open_runs.filter(subscriber__in=retried.values("subscriber"))
    shown_as_open = list(runs.values_list("subscriber_id", flat=True))
    if shown_as_open:
        runs.update(state=ActivationState.REPLACED, token_hash="", code_hash="")
        shown_status.refresh_all(shown_as_open, now=batch.created_at, cause=Cause.ADMINISTRATOR)


def _record_audit(batch: JobBatch, rows: Sequence[JudgedUser], actor: Actor) -> None:
    skipped = Counter(row.code for row in rows if row.code)
    after = {
        "total": batch.total,
        "accepted": batch.total - skipped.total(),
        "skipped": dict(skipped),
        "template": str(batch.template),
        "params": batch.params,
        "parent": str(batch.parent.uuid) if batch.parent else "",
    }
    audit.record(actor, f"batch.{batch.kind}", batch, partner=batch.partner, after=after)


def retry_failed(
    batch: JobBatch, *, actor: Actor, now: datetime, submission_id: uuid.UUID | None = None
) -> JobBatch:
    """Do the same anew for exactly those that failed, as a new batch that knows this one.

    Raises:
        ActionRefused: nothing_failed, and as `accept`.
        PermissionDenied: not this person's to try again.
    """
    if not permissions.may_repeat(actor.user, batch):
        raise PermissionDenied
    failed = Job.objects.filter(batch=batch, state=JobState.FAILED, subscriber__isnull=False)
    ids = list(failed.order_by("pk").values_list("subscriber", flat=True))
    if not ids:
        raise ActionRefused("nothing_failed", _("None of this batch failed."))
    return accept(
        batch.template,
        batch.kind,
        ids,
        params=batch.params,
        actor=actor,
        now=now,
        submission_id=submission_id,
        parent=batch,
    )


def resume(batch: JobBatch, *, actor: Actor, now: datetime) -> JobBatch:
    """Let a batch that stopped itself go on: a few rows first, as in the beginning.

    Raises:
        ActionRefused: not_paused.
        PermissionDenied: not this person's to resume.
    """
    if not may_resume(batch, actor):
        raise PermissionDenied
    with transaction.atomic():
        batch = statements.locked(batch.pk)
        if not batch.paused_at or batch.finished_at:
            raise ActionRefused("not_paused", _("This batch does not stand still."))
        before = {"code": batch.pause_code}
        batch.paused_at, batch.pause_code, batch.pause_text = None, "", ""
        batch.released_at, batch.resumed_at = None, timing.now()
        batch.save()
        statements.release(batch, TRIAL_SIZE)
        audit.record(actor, "batch.resume", batch, partner=batch.partner, before=before)
        rollout.hint(batch)
    return batch


def cancel(batch: JobBatch, *, actor: Actor, now: datetime) -> int:
    """Cancel all of which nothing was sent; returns how many. What was sent ends as it ends.

    Raises:
        ActionRefused: too_late.
        PermissionDenied: not this person's to cancel.
    """
    if not may_cancel(batch, actor, now):
        raise PermissionDenied
    with transaction.atomic():
        batch = statements.locked(batch.pk)
        count = statements.cancel(batch, by=actor.label, now=now)
        if not count:
            message = _("It is too late to cancel: everything was sent or has ended.")
            raise ActionRefused("too_late", message)
        batch.cancelled_at, batch.cancelled_by = now, actor.label[:200]
        batch.paused_at = None
        batch.save()
        action = "batch.undo" if batch.undo_until and now < batch.undo_until else "batch.cancel"
        audit.record(actor, action, batch, partner=batch.partner, after={"cancelled": count})
    watch(batch.pk, timing.now())
    return count


def may_cancel(batch: JobBatch, actor: Actor, now: datetime) -> bool:
    """Whether the person may: own batches, anybody's with the right to manage, and operations.

    Within the time of grace of a deletion everybody who may delete.
    """
    in_grace = batch.undo_until is not None and now < batch.undo_until
    if in_grace and permissions.may_undo(actor.user, batch):
        return True
    return permissions.may_cancel(actor.user, batch)


def may_resume(batch: JobBatch, actor: Actor) -> bool:
    """Whether the person may let it go on: as `may_cancel` after the grace."""
    return permissions.may_cancel(actor.user, batch)
