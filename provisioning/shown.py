"""The shown row: status and error as they are derived, and the changes of them that come from us.

What the backend says comes in by projection.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from provisioning.models import Activation, Cause, Job, StatusEvent, Subscriber
from provisioning.states import ActivationState, shown_status


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


def note_job_error(row: Subscriber, error: dict[str, str], job: Job, *, now: datetime) -> None:
    """A job failed: {"code", "text", "tracking_id", "at"} is kept beside the backend's own."""
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


def touch(job: Job) -> None:
    """The row on the screen shows its job: let live pages see the change."""
    if job.subscriber_id:
        Subscriber.objects.filter(pk=job.subscriber_id).update(version=F("version") + 1)
