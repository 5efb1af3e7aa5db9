"""Background work: the list, one job, cancel and try again."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import requires
from accounts.audit import Actor
from accounts.rights import Right
from provisioning import job_services
from provisioning.action_rules import ActionRefused
from provisioning.models import Job
from userstatus import job_reads
from userstatus.job_reads import JobLine
from userstatus.requests import ConsoleRequest


@require_safe
@requires(Right.SEE)
def jobs(request: ConsoleRequest) -> HttpResponse:
    """The partner's jobs, newest first; `state`, `mine=on` and `after` in the URL."""
    state = request.GET.get("state", "")
    mine = request.GET.get("mine") == "on"
    after = request.GET.get("after", "")
    page = job_reads.page(request.user, state=state, mine=mine, after=after)
    kept = {"state": state, "mine": "on" if mine else "", "after": page.older}
    context = {
        "page": page,
        "filters": job_reads.FILTERS,
        "state": state,
        "mine": mine,
        "after": after,
        "is_filtered": bool(state or mine),
        "older_query": urlencode({name: value for name, value in kept.items() if value}),
        "live": _unfinished(page.lines),
        "worker": job_reads.worker_sign(timezone.now()),
    }
    return render(request, "userstatus/jobs/list.html", context)


@require_safe
@requires(Right.SEE)
def jobs_live(request: ConsoleRequest) -> HttpResponse:
    """The states of the jobs that the list still shows as unfinished, as cells out of band."""
    lines = job_reads.some(request.user, request.GET.getlist("id"))
    context = {"lines": lines, "live": _unfinished(lines)}
    return render(request, "userstatus/jobs/_live.html", context)


@require_safe
@requires(Right.SEE)
def job(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """One job; a poll that knows the job as it is gets 204."""
    line = _line(request, uuid)
    if request.htmx and request.GET.get("v") == line.version:
        return HttpResponse(status=204)
    context = {"line": line, "job": line.job, "worker": job_reads.worker_sign(timezone.now())}
    name = "_job.html" if request.htmx else "job.html"
    return render(request, f"userstatus/jobs/{name}", context)


@require_POST
@requires(Right.ACT)
def job_cancel(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Cancel a job of which nothing was sent."""
    return _act(request, uuid, _cancel)


@require_POST
@requires(Right.ACT)
def job_retry(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Queue a failed or cancelled job again."""
    return _act(request, uuid, _retry)


def _cancel(row: Job, actor: Actor, now: datetime) -> tuple[Job, str]:
    return job_services.cancel_job(row, actor=actor, now=now), _("Cancelled. Nothing was sent.")


def _retry(row: Job, actor: Actor, now: datetime) -> tuple[Job, str]:
    return job_services.retry_job(row, actor=actor, now=now), _("Queued again, as this new job.")


def _act(
    request: ConsoleRequest,
    uuid: uuids.UUID,
    act: Callable[[Job, Actor, datetime], tuple[Job, str]],
) -> HttpResponse:
    row = _line(request, uuid).job
    try:
        shown, words = act(row, Actor.of(request), timezone.now())
    except ActionRefused as refused:
        messages.error(request, refused.message)
        return redirect(row)
    messages.success(request, words)
    return redirect(shown)


def _line(request: ConsoleRequest, uuid: uuids.UUID) -> JobLine:
    found = job_reads.jobs_of(request.user).select_related("requested_by")
    row: Job | None = found.filter(uuid=uuid).first()
    if row is None:
        raise Http404
    return JobLine(row, request.user)


def _unfinished(lines: list[JobLine]) -> list[JobLine]:
    return [line for line in lines if line.job.is_unfinished]
