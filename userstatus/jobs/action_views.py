"""What people do to jobs and batches: cancel, resume, try again. Undoing a delete: undo.py."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.audit import Actor
from accounts.rights import Right
from common import clock
from provisioning.bulk import services as bulk_services
from provisioning.jobs import job_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job, JobBatch
from userstatus.jobs import job_line
from userstatus.requests import ConsoleRequest

#: What was done: the job or batch to show now, and the words for it.
Done = tuple[Job | JobBatch, str]


@require_POST
@requires(Right.ACT)
def job_cancel(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Cancel a job of which nothing was sent, or what a batch has not sent."""

    def cancel(found: Job | JobBatch, actor: Actor, now: datetime) -> Done:
        if isinstance(found, Job):
            job_services.cancel_job(found, actor=actor, now=now)
            return found, _("Cancelled. Nothing was sent.")
        count = bulk_services.cancel(found, actor=actor, now=now)
        text = ngettext(
            "Cancelled. %(n)s user is untouched.",
            "Cancelled. %(n)s users are untouched.",
            count,
        )
        return found, text % {"n": count}

    return _act(request, uuid, cancel)


@require_POST
@requires(Right.ACT)
def job_resume(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Let a batch go on that the brake stopped."""

    def resume(found: Job | JobBatch, actor: Actor, now: datetime) -> Done:
        if isinstance(found, Job):
            raise Http404
        bulk_services.resume(found, actor=actor, now=now)
        return found, _("Resumed. The first %(n)s are tried before the others.") % {
            "n": bulk_services.TRIAL_SIZE
        }

    return _act(request, uuid, resume)


@require_POST
@requires(Right.ACT)
def job_retry(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Queue a failed or cancelled job again, or the failed rows of a batch as a new batch."""
    submission_id = job_line.parse_uuid(request.POST.get("submission_id", ""))

    def retry(found: Job | JobBatch, actor: Actor, now: datetime) -> Done:
        if isinstance(found, Job):
            again: Job | JobBatch = job_services.retry_job(found, actor=actor, now=now)
            return again, _("Queued again, as this new job.")
        again = bulk_services.retry_failed(found, actor=actor, now=now, submission_id=submission_id)
        return again, _("The failed ones are tried again, as this new batch.")

    return _act(request, uuid, retry)


def _act(
    request: ConsoleRequest,
    uuid: uuids.UUID,
    act: Callable[[Job | JobBatch, Actor, datetime], Done],
) -> HttpResponse:
    found = job_line.job_or_batch(request.user, uuid)
    try:
        shown, words = act(found, Actor.of(request), clock.now())
    except ActionRefused as refused:
        messages.error(request, refused.message)
        return redirect(found)
    messages.success(request, words)
    return redirect(shown)
