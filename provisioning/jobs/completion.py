"""How jobs end: each gets one final state, and with it the run of the portal that wanted it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from provisioning import codes, shown_status
from provisioning.jobs import leases
from provisioning.kinds import kind_of
from provisioning.models import Activation, Job, Subscriber
from provisioning.states import ActivationState, JobState
from provisioning.timing import GRACE_SECONDS, scaled


@dataclass(frozen=True)
class Ending:
    """How a job ended."""

    state: JobState
    code: str = ""
    text: str = ""
    tracking_id: str = ""
    http_status: int | None = None

    def error(self, at: datetime) -> dict[str, str]:
        """The error of a failed job, as it is kept beside the backend's own."""
        return {
            "code": self.code,
            "text": self.text,
            "tracking_id": self.tracking_id,
            "at": at.isoformat(),
        }


def ending_of(row: Subscriber, job: Job) -> Ending:
    """What a settled backend status means for the job that asked for it."""
    if kind_of(job.kind).succeeded(row, job):
        return Ending(JobState.DONE)
    error = row.backend_error
    return Ending(
        JobState.FAILED,
        code=error.get("code") or codes.REFUSED,
        text=error.get("text", ""),
        tracking_id=error.get("tracking_id", ""),
    )


def set_ending(job: Job, ending: Ending, *, now: datetime) -> None:
    """Put the end into a job that this worker holds; leases.release writes it."""
    leases.move(job, ending.state)
    job.finished_at = now
    job.result_code, job.result_text = ending.code, ending.text
    job.tracking_id, job.http_status = ending.tracking_id, ending.http_status


def finish(job: Job, ending: Ending, *, now: datetime) -> None:
    """Record the one final state of a job that this worker holds.

    Raises:
        leases.LeaseLost: the job is somebody else's by now.
    """
    set_ending(job, ending, now=now)
    leases.release_one(job)
    end_activation(job, ending, now=now)


def cancel(job: Job, *, now: datetime, by: str = "") -> bool:
    """Cancel a job of which nothing was sent; False when it is too late. `by` is who wanted it."""
    unsent = Job.objects.filter(pk=job.pk, state=JobState.QUEUED, sends=0, lease_until=None)
    with transaction.atomic():
        shown_status.bump_version(job)  # the row first, as in outbox.enqueue
        changed = unsent.update(
            state=JobState.CANCELLED, finished_at=now, lease_token=None, cancelled_by=by[:200]
        )
    if changed:
        end_activation(job, Ending(JobState.CANCELLED, codes.SIGN_IN_AGAIN), now=now)
    return bool(changed)


def waiting(subscriber: Subscriber) -> list[Job]:
    """The jobs that wait for the backend's outcome on this subscriber (one at most)."""
    return list(Job.objects.filter(subscriber=subscriber, state=JobState.WAITING))


def settle(job: Job, ending: Ending, *, now: datetime) -> bool:
    """End a waiting job, after an answer of whatever origin told how; its lease dies with it."""
    shown_status.bump_version(job)  # the row first, as in outbox.enqueue
    changed = Job.objects.filter(pk=job.pk, state=JobState.WAITING).update(
        state=ending.state, **_result(ending, now)
    )
    if changed:
        end_activation(job, ending, now=now)
    return bool(changed)


def overdue(now: datetime, limit: int) -> list[Job]:
    """Unfinished jobs past their deadline that no worker holds, at most so many.

    Of those that were sent the backend is asked a little longer.
    """
    over = Q(state=JobState.QUEUED, deadline_at__lte=now)
    over |= Q(deadline_at__lte=now - scaled(GRACE_SECONDS))
    jobs = Job.objects.unfinished().filter(over, lease_until=None)
    return list(jobs.select_related("subscriber").order_by("deadline_at")[:limit])


def give_up(job: Job, ending: Ending, *, now: datetime) -> bool:
    """End a job that no worker holds; False when a worker was quicker."""
    free = Job.objects.unfinished().filter(lease_until=None, pk=job.pk, state=job.state)
    shown_status.bump_version(job)  # the row first, as in outbox.enqueue
    changed = free.update(state=ending.state, **_result(ending, now))
    if changed:
        job.state = ending.state
        end_activation(job, ending, now=now)
    return bool(changed)


def poisoned(job: Job) -> Ending:
    """The end of a job that cost three workers in a row."""
    text = "it stopped its worker three times"
    return Ending(JobState.FAILED, codes.UNCLEAR if job.intent_at else codes.POISON, text)


def _result(ending: Ending, now: datetime) -> dict[str, Any]:
    return {
        "finished_at": now,
        "lease_token": None,
        "lease_until": None,
        "lease_owner": None,
        "result_code": ending.code,
        "result_text": ending.text,
        "tracking_id": ending.tracking_id,
        "http_status": ending.http_status,
    }


def end_activation(job: Job, ending: Ending, *, now: datetime) -> None:
    """A run of the portal whose job failed or was cancelled is refused, with the reason."""
    if ending.state == JobState.DONE or job.activation_id is None:
        return
    Activation.objects.filter(pk=job.activation_id, state=ActivationState.CONFIRMED).update(
        state=ActivationState.REFUSED,
        error_code=ending.code,
        error_text=ending.text,
        error_tracking_id=ending.tracking_id,
        error_at=now,
    )
