"""Undoing a delete within its time of grace, and the message that offers it."""

from __future__ import annotations

import uuid as uuids
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from accounts.access import requires
from accounts.audit import Actor
from accounts.rights import Right
from common import clock
from common.bidi import isolated
from common.templatetags.look import figure
from provisioning.bulk import services as bulk_services
from provisioning.jobs import job_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job, JobBatch
from provisioning.whose_turn import seconds_to_undo
from userstatus.jobs import job_line
from userstatus.requests import ConsoleRequest, own_path


def toast_of(job: Job, who: str, now: datetime) -> dict[str, Any] | None:
    """What the page says about a delete that can be undone; None when it cannot.

    `{seconds}` in the text is counted down by the page.
    """
    seconds = seconds_to_undo(job, now)
    if not seconds:
        return None
    return {
        "text": _("Deleting %(user)s in %(seconds)s s")
        % {"user": isolated(who), "seconds": "{seconds}"},
        "tone": "bad",
        "icon": "trash",
        "seconds": seconds,
        "undo_url": reverse("userstatus:job_undo", args=[job.uuid]),
    }


@require_POST
@requires(Right.ACT)
def job_undo(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Take a delete back, or a batch of them, whoever of the partner asked for it."""
    found = job_line.job_or_batch(request.user, uuid)
    try:
        words = _undo(found, Actor.of(request), clock.now())
    except ActionRefused as refused:
        return _answer(request, found, _undone_by(found) or refused.message, tone="bad")
    return _answer(request, found, words)


def _undo(found: Job | JobBatch, actor: Actor, now: datetime) -> str:
    if isinstance(found, Job):
        job_services.undo_delete(found, actor=actor, now=now)
        who = found.subscriber.name if found.subscriber else ""
        return _("Undone. %(user)s stays.") % {"user": isolated(who or found.broadworks_id)}
    if found.undo_until is None or found.undo_until <= now:
        raise ActionRefused("too_late", _("It is too late to undo: the deletion has begun."))
    count = bulk_services.cancel(found, actor=actor, now=now)
    text = ngettext("Undone. %(n)s user stays.", "Undone. %(n)s users stay.", count)
    return text % {"n": figure(count)}


def _undone_by(found: Job | JobBatch) -> str:
    """Who undid it before, so that nobody reads that the user is being deleted; else ""."""
    found.refresh_from_db()
    at = found.cancelled_at if isinstance(found, JobBatch) else found.finished_at
    is_undone = found.cancelled_by and found.undo_until and at and at < found.undo_until
    return _("Undone by %(who)s") % {"who": isolated(found.cancelled_by)} if is_undone else ""


def _answer(
    request: ConsoleRequest, found: Job | JobBatch, words: str, *, tone: str = "good"
) -> HttpResponse:
    """Say it where the person is: in the corner of the page, or on the page they came from."""
    if not request.htmx:
        tell = messages.success if tone == "good" else messages.error
        tell(request, words)
        return redirect(own_path(request.POST.get("next", "")) or found.get_absolute_url())
    response = HttpResponse(status=204 if tone == "good" else 422)
    trigger_client_event(response, "toast", {"text": words, "tone": tone})
    trigger_client_event(response, "undone", {"undo_url": request.path})
    return trigger_client_event(response, "user-changed", {})
