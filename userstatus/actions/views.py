"""The row menu and the dialogs of the row actions.

Each dialog's address is a page too: GET shows it, POST acts. A refused POST answers 422 with the
form as it was filled in.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import trigger_client_event

from accounts.access import View, requires
from accounts.audit import Actor
from accounts.rights import Right
from common import clock, lost_forms
from common.addresses import BadAddress
from common.bidi import isolated
from provisioning import catalogue, selectors
from provisioning.catalogue import Explanation
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job, Subscriber
from userstatus.actions import registry
from userstatus.actions.forms import ActionForm
from userstatus.actions.registry import Action
from userstatus.jobs.undo import toast_of
from userstatus.requests import ConsoleRequest, way_back


@require_safe
@requires(Right.SEE)
def user_menu(request: ConsoleRequest, uuid: UUID) -> HttpResponse:
    """The row menu's content; opened by its address it is the user's page."""
    subscriber = _subscriber(request, uuid)
    if not request.htmx:
        return redirect(subscriber)
    job = selectors.unfinished_job_of(subscriber)
    offers = registry.actions_for(request.user, subscriber, job)
    reason = "" if _has_dialog(offers) else registry.why_nothing(request.user, subscriber, job)
    context = {"subscriber": subscriber, "offers": offers, "reason": reason}
    return render(request, "userstatus/users/menu.html", context)


def _has_dialog(offers: list[registry.Offer]) -> bool:
    return any(offer.url for offer in offers)


def act(action: Action) -> View:
    """Make the view of one action."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @requires(action.right)
    def view(request: ConsoleRequest, uuid: UUID) -> HttpResponse:
        subscriber = _subscriber(request, uuid)
        if request.method == "POST":
            return _post(request, action, subscriber)
        return _get(request, action, subscriber)

    view.__name__ = f"act_{action.name}"
    view.refills = True  # type: ignore[attr-defined]
    return view


def _subscriber(request: ConsoleRequest, uuid: UUID) -> Subscriber:
    """A user of the person's partner, also a deleted one: the dialog says what became of it."""
    visible = Subscriber.objects.visible_to(request.user).select_related("template", "partner")
    found: Subscriber = get_object_or_404(visible, uuid=uuid)
    return found


def _get(request: ConsoleRequest, action: Action, subscriber: Subscriber) -> HttpResponse:
    job = selectors.unfinished_job_of(subscriber)
    reason = registry.refusal(action, request.user, subscriber, job)
    lost = lost_forms.take(request)
    if lost and not reason:
        messages.info(
            request, _("Nothing was sent: you were signed out. Look again, then send it.")
        )
    form = _form(action, subscriber, lost.data if lost else None)
    return _dialog(request, action, form, reason=reason)


def _form(action: Action, subscriber: Subscriber, data: Any = None) -> ActionForm:
    assert action.form is not None  # noqa: S101 -- only actions with a form have an address
    return action.form(subscriber, data)


def _post(request: ConsoleRequest, action: Action, subscriber: Subscriber) -> HttpResponse:
    form = _form(action, subscriber, request.POST)
    if not form.is_valid():
        return _dialog(request, action, form, status=422)
    try:
        job = form.run(actor=Actor.of(request), now=clock.now())
    except BadAddress as error:
        form.add_error("email", str(error))
    except ActionRefused as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    else:
        return _accepted(request, action, subscriber, job)
    return _dialog(request, action, form, status=422)


def _dialog(
    request: ConsoleRequest,
    action: Action,
    form: ActionForm,
    *,
    reason: str = "",
    status: int = 200,
) -> HttpResponse:
    subscriber = form.subscriber
    back = _back(request, subscriber)
    context = {
        "action": action,
        "form": form,
        "subscriber": subscriber,
        "reason": reason,
        "explanation": _explanation(subscriber),
        "dialog_title": _title(action, subscriber),
        "dialog_about": _about(subscriber),
        "dialog_action": request.path,
        "dialog_back": back,
        "nav_path": reverse("userstatus:users", args=[subscriber.template.uuid]),
    }
    name = "refused.html" if reason else form.template
    return render(request, f"userstatus/users/{name}", context, status=status)


def _explanation(subscriber: Subscriber) -> Explanation | None:
    if not registry.has_error(subscriber):
        return None
    return catalogue.explain(subscriber.error_code, subscriber.error_text)


def _title(action: Action, subscriber: Subscriber) -> str:
    if action is registry.DELETE:
        who = subscriber.name or subscriber.broadworks_id
        return _("Delete %(user)s?") % {"user": isolated(who)}
    return str(action.label)


def _about(subscriber: Subscriber) -> str:
    parts = [subscriber.name, subscriber.broadworks_id, subscriber.status_label]
    return " · ".join(isolated(part) for part in [*parts, subscriber.package_label] if part)


def _accepted(
    request: ConsoleRequest, action: Action, subscriber: Subscriber, job: Job
) -> HttpResponse:
    words = _words(action, subscriber, job)
    if request.htmx:
        who = subscriber.name or subscriber.broadworks_id
        toast = {"text": words, "tone": "good", "icon": "clock"}
        response = HttpResponse(status=204)
        trigger_client_event(response, "close-dialog")
        trigger_client_event(response, "toast", toast_of(job, who, clock.now()) or toast)
        return trigger_client_event(response, "user-changed", {"uuid": str(subscriber.uuid)})
    messages.success(request, words)
    return HttpResponseRedirect(_back(request, subscriber))


def _words(action: Action, subscriber: Subscriber, job: Job) -> str:
    who = {"user": isolated(subscriber.name or subscriber.broadworks_id)}
    if job.is_unfinished:
        return str(action.queued) % who
    return _("This was sent before, for %(user)s. Nothing was sent again.") % who


def _back(request: ConsoleRequest, subscriber: Subscriber) -> str:
    return way_back(request, reverse("userstatus:users", args=[subscriber.template.uuid]))
