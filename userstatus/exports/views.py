"""Exporting the list of users: ask, watch the file being written, download it."""

from __future__ import annotations

import uuid as uuids
from datetime import timedelta
from typing import Any

from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires
from accounts.audit import Actor
from accounts.rights import Right
from common import clock
from provisioning.exports import progress as export_progress
from provisioning.exports import request as export_request
from provisioning.exports import services as export_services
from provisioning.exports import xlsx as export_xlsx
from provisioning.exports.request import Choice, ExportRefused
from provisioning.exports.writer import filter_of
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.models import Export
from provisioning.states import UNFINISHED_EXPORTS, ExportFormat, ExportState
from templates_app.models import OnboardingTemplate
from userstatus.exports import choice as export_choice
from userstatus.exports import texts
from userstatus.requests import ConsoleRequest, partner_of

#: A file that is this young is downloaded by itself; who comes back later finds the link.
AUTO_DOWNLOAD_FOR = timedelta(minutes=10)


_CONTENT_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


# ---- Asking for it ----


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.SEE)
def start(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Export the users of one template; filters and order stand in the query string."""
    templates = OnboardingTemplate.objects.visible_to(request.user)
    return _start(request, get_object_or_404(templates, uuid=uuid))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.SEE)
def start_all(request: ConsoleRequest) -> HttpResponse:
    """Export the users of all the partner's templates, or of the one that the filters name."""
    return _start(request, None)


def _start(request: ConsoleRequest, template: OnboardingTemplate | None) -> HttpResponse:
    choice = export_choice.read(
        request.POST if request.method == "POST" else request.GET, request.GET
    )
    chosen = filters.parse(request.GET)
    if template:
        chosen = chosen.without("template")
    if request.method != "POST":
        return _start_page(request, template, chosen, choice)
    actor, now = Actor.of(request), clock.now()
    try:
        export = export_services.start(
            actor=actor, template=template, chosen=chosen, choice=choice, now=now
        )
    except ExportRefused as refused:
        return _start_page(request, template, chosen, choice, refused)
    return redirect(export)


def _start_page(
    request: ConsoleRequest,
    template: OnboardingTemplate | None,
    chosen: UserFilter,
    choice: Choice,
    refused: ExportRefused | None = None,
) -> HttpResponse:
    # Those that were named stand in the form: an address is too short for them.
    lifted = refused and refused.code in ("too_many_named", "nobody")
    choice = Choice(format=choice.format) if lifted else choice
    count = _count(request, template, chosen, choice)
    partner = partner_of(request)
    named = export_request.template_of(partner, template, chosen)
    context = {
        "template": template,
        "what": (named or partner).name,
        "chosen": texts.chosen_words(chosen, named, is_ticked=choice.ticked is not None),
        "problems": chosen.problems,
        "count": count,
        "is_ticked": choice.ticked is not None,
        "left_out": len(choice.left_out),
        "fields": export_choice.fields(choice),
        "address": _start_address(template, chosen),
        "most_in_sheet": export_xlsx.MAX_ROWS,
        "takes_sheet": count is None or count <= export_xlsx.MAX_ROWS,
        "refused": refused,
        "back": _list_address(template, chosen),
    }
    return render(request, "userstatus/exports/start.html", context, status=422 if refused else 200)


def _count(
    request: ConsoleRequest,
    template: OnboardingTemplate | None,
    chosen: UserFilter,
    choice: Choice,
) -> int | None:
    """How many users there will be in the file; None when they are counted while it is written."""
    if choice.ticked is not None:
        return export_request.count_ticked(request.user, template, choice.ticked)
    return export_request.count(request.user, template, chosen, choice)


def _list_address(template: OnboardingTemplate | None, chosen: UserFilter) -> str:
    if template:
        path, query = reverse("userstatus:users", args=[template.uuid]), chosen.without("template")
    else:
        path, query = reverse("userstatus:all_users"), chosen
    text = query.query()
    return f"{path}?{text}" if text else path


# ---- Watching it ----


@require_safe
@requires(Right.SEE)
def export(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """How far the file is; asked by htmx it answers the part that changes."""
    row = _own(request, uuid)
    if not request.htmx:
        return render(request, "userstatus/exports/export.html", _context(row))
    seen = request.GET.get("seen", "")
    if seen == row.state != ExportState.WRITING:
        return HttpResponse(status=204)
    context = _context(row) | {"says_state": seen != row.state}
    return render(request, "userstatus/exports/_progress.html", context)


@require_POST
@requires(Right.SEE)
def cancel(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """End the person's own export; the page says what became of it, ended or not."""
    row = _own(request, uuid)
    export_services.cancel(row, actor=Actor.of(request))
    return redirect(row)


def _own(request: ConsoleRequest, uuid: uuids.UUID) -> Export:
    """The person's own export; anybody else's does not exist."""
    mine = Export.objects.visible_to(request.user).filter(owner=request.user)
    row: Export = get_object_or_404(mine.select_related("template", "partner"), uuid=uuid)
    return row


def _context(row: Export) -> dict[str, Any]:
    now = clock.now()
    state = ExportState.EXPIRED if export_services.is_over(row, now) else ExportState(row.state)
    chosen = filter_of(row)
    template = export_request.template_of(row.partner, row.template, chosen)
    progress = export_progress.progress_of(row, now)
    icon, tone, word = texts.STATES[state]
    took = (row.ready_at - row.created_at).total_seconds() if row.ready_at else 0
    return {
        "export": row,
        "state": state.value,
        "unfinished": state in UNFINISHED_EXPORTS,
        "look": {"icon": icon, "tone": tone, "word": word},
        "what": (template or row.partner).name,
        "chosen": texts.chosen_words(chosen, template, is_ticked=row.ticked is not None),
        "is_ticked": row.ticked is not None,
        "left_out": len(row.left_out),
        "failure": texts.failure_of(row) if state == ExportState.FAILED else None,
        "progress": progress,
        "left": texts.time_left(progress.seconds_left) if progress.seconds_left else "",
        "seconds": max(round(took), 1),
        "fresh": row.ready_at is not None and now - row.ready_at < AUTO_DOWNLOAD_FOR,
        "again": _start_address(row.template, chosen),
        "fields": export_choice.fields(export_choice.of_export(row)),
        "back": _list_address(row.template, chosen),
    }


def _start_address(template: OnboardingTemplate | None, chosen: UserFilter) -> str:
    if template:
        path = reverse("userstatus:export_start", args=[template.uuid])
        text = chosen.without("template").query()
    else:
        path, text = reverse("userstatus:export_all_start"), chosen.query()
    return f"{path}?{text}" if text else path


# ---- Taking it ----


@require_safe
@requires(Right.SEE)
def download(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponseBase:
    """The file, for its owner; when there is none (yet, or any more) the page that says why."""
    row = _own(request, uuid)
    file = export_services.download(
        row, actor=Actor.of(request), now=clock.now(), is_taken=request.method == "GET"
    )
    if file:
        return FileResponse(
            file,
            as_attachment=True,
            filename=row.file_name,
            content_type=_CONTENT_TYPES[ExportFormat(row.format)],
        )
    if row.state in UNFINISHED_EXPORTS:
        return HttpResponseRedirect(row.get_absolute_url())
    return render(request, "userstatus/exports/export.html", _context(row), status=410)
