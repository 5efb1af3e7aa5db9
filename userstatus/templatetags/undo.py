"""The time of grace of a delete, wherever a user or a job is shown."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django import template

from common import clock
from provisioning.jobs import permissions
from provisioning.models import Job, JobBatch
from provisioning.whose_turn import seconds_to_undo

register = template.Library()


@register.filter
def undoable(job: Job | None) -> bool:
    """Tell whether it is a delete within its time of grace."""
    return job is not None and job.can_be_undone(clock.now())


@register.inclusion_tag("userstatus/jobs/_grace.html", takes_context=True)
def grace(context: template.Context, job: Job | JobBatch) -> dict[str, Any]:
    """*Deleting in 8 s* and the button that undoes it; nothing once the time is over.

    The button works without script: then it leads back to the page that it stood on.
    """
    request = context["request"]
    return {
        "job": job,
        "seconds": _seconds(job, clock.now()),
        "who": job.requested_label,
        "may_undo": permissions.may_undo(request.user, job),
        "next": "" if request.htmx else request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }


def _seconds(job: Job | JobBatch, now: datetime) -> int:
    if isinstance(job, Job):
        return seconds_to_undo(job, now)
    if job.undo_until is None or job.cancelled_at is not None:
        return 0
    return max(0, math.ceil((job.undo_until - now).total_seconds()))
