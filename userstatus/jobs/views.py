"""Background work: the list, one job, one batch with results. Acting on them: action_views.py."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from common import clock
from provisioning.models import Job, JobBatch
from userstatus.jobs import batch_page, history, job_line, job_list
from userstatus.jobs.job_line import JobLine
from userstatus.jobs.job_list import JobFilter, Line
from userstatus.requests import ConsoleRequest


@require_safe
@requires(Right.SEE)
def jobs(request: ConsoleRequest) -> HttpResponse:
    """The partner's batches and jobs, newest first; `state`, `mine=on` and `after` in the URL."""
    now, choice = clock.now(), _choice(request)
    after = request.GET.get("after", "")
    page = job_list.page(request.user, choice, after=after, now=now)
    context = {
        "page": page,
        "lines": page.lines,
        "filters": job_list.FILTERS,
        "choice": choice,
        "after": after,
        "newest_query": _query(choice),
        "older_query": _query(choice, after=page.older),
        "live_query": _live_query(choice, page.lines, counts_newer=not after),
        "is_busy": _is_busy(page.lines),
        "worker": job_line.worker_health(now),
    }
    return render(request, "userstatus/jobs/list.html", context)


@require_safe
@requires(Right.SEE)
def jobs_live(request: ConsoleRequest) -> HttpResponse:
    """The cells of the lines that the page shows as unfinished, and how many came on top."""
    now, choice = clock.now(), _choice(request)
    lines = job_list.lines_by_uuid(request.user, request.GET.getlist("id"), now)
    newest = request.GET.get("newest", "")
    context = {
        "lines": lines,
        "arrived": job_list.arrived(request.user, choice, newest),
        "live_query": _live_query(choice, lines, newest),
        "newest_query": _query(choice),
        "is_busy": _is_busy(lines),
        "worker": job_line.worker_health(now),
    }
    return render(request, "userstatus/jobs/live.html", context)


@require_safe
@requires(Right.SEE)
def job(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """One job or one batch; a poll that knows it as it is gets 204."""
    found = job_line.job_or_batch(request.user, uuid)
    if isinstance(found, Job):
        return _one_job(request, found)
    return _one_batch(request, found)


def _one_job(request: ConsoleRequest, found: Job) -> HttpResponse:
    line = JobLine(found, request.user)
    if request.htmx and request.GET.get("v") == line.version:
        return HttpResponse(status=204)
    context = {
        "line": line,
        "job": found,
        "moments": history.moments_of(found),
        "worker": job_line.worker_health(clock.now()),
    }
    return render(request, f"userstatus/jobs/{_name(request, 'job')}.html", context)


def _one_batch(request: ConsoleRequest, found: JobBatch) -> HttpResponse:
    page = batch_page.page_of(found, request.user, request.GET, now=clock.now())
    if request.htmx and request.GET.get("v") == page.version:
        return HttpResponse(status=204)
    context = {"page": page, "line": page.line, "batch": found}
    return render(request, f"userstatus/jobs/{_name(request, 'batch')}.html", context)


def _name(request: ConsoleRequest, name: str) -> str:
    return f"{name}_live" if request.htmx else name


def _choice(request: ConsoleRequest) -> JobFilter:
    return JobFilter(request.GET.get("state", ""), request.GET.get("mine") == "on")


def _query(choice: JobFilter, **more: Any) -> str:
    kept = {"state": choice.state, "mine": "on" if choice.mine else "", **more}
    return urlencode({name: value for name, value in kept.items() if value}, doseq=True)


def _live_query(
    choice: JobFilter, lines: Sequence[Line], newest: str = "", *, counts_newer: bool = False
) -> str:
    """What the poll asks: the lines that may still change, and what came on top of the newest.

    `newest` is what the poll before asked; a first page counts from its first line.
    """
    ids = [line.uuid for line in lines if line.is_unfinished]
    first = lines[0].uuid if counts_newer and lines else newest
    return _query(choice, newest=first, id=ids)


def _is_busy(lines: Sequence[Line]) -> bool:
    return any(line.is_unfinished for line in lines)
