"""The dialogs of the bulk actions.

GET, or POST without `frozen` for a selection that is too long for an address, shows the verdict;
POST with `frozen` acts on exactly the users that the verdict was about. A refused POST answers
422 with the form as it was filled in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from accounts.access import View, requires
from accounts.audit import Actor
from common import clock
from common.bidi import isolated
from common.templatetags.look import figure
from provisioning.bulk import limits
from provisioning.bulk import services as bulk_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import JobBatch
from provisioning.timing import scaled
from templates_app.models import OnboardingTemplate
from userstatus.actions import bulk_texts, signed_selection
from userstatus.actions import selection as bulk_selection
from userstatus.actions.bulk_forms import BulkForm
from userstatus.actions.bulk_texts import counted
from userstatus.actions.registry import Action, Bulk
from userstatus.actions.selection import Selection
from userstatus.actions.signed_selection import NotUsable, Purpose, SignedSelection
from userstatus.actions.verdict import Verdict
from userstatus.requests import ConsoleRequest, way_back
from userstatus.scope import Scope, scope_of


@dataclass(frozen=True)
class BulkRequest:
    """One request for one bulk action."""

    request: ConsoleRequest
    action: Action
    scope: Scope

    @cached_property
    def template(self) -> OnboardingTemplate:
        assert self.scope.template is not None  # noqa: S101 -- the address names one
        return self.scope.template

    @cached_property
    def bulk(self) -> Bulk:
        assert self.action.bulk is not None  # noqa: S101 -- only such actions have an address
        return self.action.bulk

    @cached_property
    def purpose(self) -> Purpose:
        """What a frozen selection must be made for."""
        assert self.action.kind is not None  # noqa: S101 -- bulk actions make jobs
        return Purpose(self.scope.user, self.template, self.action.kind)

    @cached_property
    def actor(self) -> Actor:
        return Actor.of(self.request)

    def judge(self, ids: Sequence[int]) -> Verdict:
        return self.bulk.judge(self.template, self.purpose.kind, ids, self.actor)


def bulk(action: Action) -> View:
    """Make the view of one action on many users."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @requires(action.right)
    def view(request: ConsoleRequest, uuid: UUID) -> HttpResponse:
        asked = BulkRequest(request, action, scope_of(request, uuid))
        if request.method == "POST" and "frozen" in request.POST:
            return _act(asked)
        return _open(asked)

    view.__name__ = f"bulk_{action.name}"
    return view


# ---- Before ----


def _open(asked: BulkRequest) -> HttpResponse:
    data = asked.request.POST if asked.request.method == "POST" else asked.request.GET
    selection = bulk_selection.read(asked.scope, data)
    if selection.is_too_large:
        return _refused(asked, _("Too many at once"), _too_many(selection), selection=selection)
    if not selection.ids:
        words = _("Tick users in the list, or select all that match its filters.")
        return _refused(asked, _("Nobody is selected"), words)
    verdict = asked.judge(selection.ids)
    if not verdict.able:
        words = verdict.words(asked.bulk.words)
        return _refused(asked, words, verdict=verdict, selection=selection)
    frozen = signed_selection.sign(
        asked.purpose, selection.ids, able=verdict.able, query=selection.query
    )
    form = asked.bulk.form(verdict.able, frozen=frozen)
    return _dialog(asked, form, verdict, selection.words)


def _too_many(selection: Selection) -> str:
    if selection.is_more:
        return _(
            "More than %(most)s users are selected, and at most %(most)s can be changed at once. "
            "Narrow the filters, for example to one error or one enterprise, and take the rest "
            "afterwards."
        ) % {"most": figure(limits.MAX_BATCH_USERS)}
    return _(
        "%(total)s users are selected, and at most %(most)s can be changed at once. Narrow the "
        "filters, for example to one error or one enterprise, and take the rest afterwards."
    ) % {"total": figure(selection.total), "most": figure(limits.MAX_BATCH_USERS)}


# ---- Acting ----


def _act(asked: BulkRequest) -> HttpResponse:
    try:
        frozen = signed_selection.read(asked.purpose, asked.request.POST["frozen"])
    except NotUsable as error:
        words = _("Nothing was changed. Go back to the list and select the users again.")
        return _refused(asked, error.message, words, status=422)
    form, now = asked.bulk.form(frozen.able, asked.request.POST), clock.now()
    if not form.is_valid():
        return _again(asked, frozen)
    try:
        batch = form.run(asked.purpose, frozen, actor=asked.actor, now=now)
    except ActionRefused as error:
        return _again(asked, frozen, error)
    return _accepted(asked, batch, is_new=batch.created_at >= now)


def _again(
    asked: BulkRequest, frozen: SignedSelection, refused: ActionRefused | None = None
) -> HttpResponse:
    """The dialog as it was filled in, about the same users as they are by now."""
    verdict, data = asked.judge(frozen.ids), asked.request.POST.copy()
    if not verdict.able:
        return _refused(asked, verdict.words(asked.bulk.words), verdict=verdict, status=422)
    if verdict.able != frozen.able:  # the number to type is the one that is shown
        data["frozen"] = signed_selection.sign_again(asked.purpose, frozen, able=verdict.able)
    form = asked.bulk.form(verdict.able, data)
    form.full_clean()
    if refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.message)
    return _dialog(asked, form, verdict, status=422)


def _accepted(asked: BulkRequest, batch: JobBatch, *, is_new: bool) -> HttpResponse:
    count = batch.total - bulk_services.progress(batch, batch.created_at).skipped
    words = counted(asked.bulk.words.queued, count)
    if not is_new:
        words = _("This was sent before. Nothing was sent again.")
    if not asked.request.htmx:
        messages.success(asked.request, words)
        return redirect(batch)
    toast = (is_new and _undoable(batch, count)) or {"text": words, "tone": "good", "icon": "clock"}
    way_on = {"link_url": batch.get_absolute_url(), "link_label": _("Show progress")}
    response = HttpResponse(status=204)
    trigger_client_event(response, "close-dialog")
    trigger_client_event(response, "toast", toast | way_on)
    trigger_client_event(response, "bulk-queued")
    return trigger_client_event(response, "user-changed")


def _undoable(batch: JobBatch, count: int) -> dict[str, Any]:
    """What the page says while deletions can be undone; nothing when they cannot."""
    left = batch.undo_until - clock.now() if batch.undo_until else timedelta()
    if left <= timedelta():
        return {}
    numbers = {"n": count, "count": figure(count), "seconds": "{seconds}"}
    return {
        "text": str(bulk_texts.DELETING % numbers),
        "tone": "bad",
        "icon": "trash",
        "seconds": math.ceil(left.total_seconds()),
        "undo_url": reverse("userstatus:job_undo", args=[batch.uuid]),
    }


# ---- Answers ----


def _dialog(
    asked: BulkRequest, form: BulkForm, verdict: Verdict, where: str = "", *, status: int = 200
) -> HttpResponse:
    form.show(verdict)
    words = asked.bulk.words
    more = {
        "form": form,
        "verdict": verdict,
        "verdict_words": verdict.words(words),
        "button": counted(words.button, verdict.able),
        "button_one": words.one,
        "button_many": words.many,
        "grace": round(scaled(settings.DELETE_GRACE_SECONDS).total_seconds()),
    }
    return _answer(asked, form.template, verdict.total, where, more, status)


def _refused(
    asked: BulkRequest,
    title: str,
    words: str = "",
    *,
    verdict: Verdict | None = None,
    selection: Selection | None = None,
    status: int = 200,
) -> HttpResponse:
    selection = selection or Selection()
    total = 0 if selection.is_more else selection.total
    more = {"refusal": title, "refusal_words": words, "verdict": verdict}
    return _answer(asked, "bulk_refused.html", total, selection.words, more, status)


def _answer(
    asked: BulkRequest, name: str, total: int, where: str, more: dict[str, Any], status: int
) -> HttpResponse:
    words = asked.bulk.words
    path = reverse("userstatus:users", args=[asked.template.uuid])
    context = {
        "action": asked.action,
        "dialog_title": counted(words.button, total) if total else words.bar,
        "dialog_about": " · ".join(filter(None, [isolated(asked.template.name), where])),
        "dialog_action": asked.request.path,
        "dialog_back": way_back(asked.request, path),
        "nav_path": path,
    }
    return render(asked.request, f"userstatus/users/{name}", context | more, status=status)
