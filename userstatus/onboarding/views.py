"""Onboarding templates: list, detail with User verification, new and edit, mending."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires
from accounts.audit import Actor
from accounts.models import BackendConnection
from accounts.rights import Right
from common import clock
from common.bidi import isolated
from templates_app import services
from templates_app.countries import country_name, language_name
from templates_app.forms import TemplateForm, initial_of
from templates_app.id_check import IdAnswer, Trouble
from templates_app.models import IdCheck, OnboardingTemplate
from templates_app.services import ChangedMeanwhile, Saved, TemplateRefused
from userstatus.onboarding import reads
from userstatus.requests import ConsoleRequest, partner_of


@require_safe
@requires(Right.SEE)
def templates(request: ConsoleRequest) -> HttpResponse:
    """All templates of the partner."""
    context = {"lines": reads.lines(request.user)}
    return render(request, "userstatus/templates/list.html", context)


@require_safe
@requires(Right.SEE)
def template(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """One template: User verification, readiness, service, users now."""
    row = template_of(request, uuid)
    line = reads.line_of(request.user, row)
    context: dict[str, Any] = {
        "template": row,
        "line": line,
        "share_link": line.check("share_link"),
        "admin_first": line.check("admin_first"),
        "status_counts": reads.status_counts(row, line.statuses),
        "attempts": reads.attempts_without_user(row, clock.now()),
        "country": country_name(row.country),
        "language": language_name(row.language),
    }
    return render(request, "userstatus/templates/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.MANAGE)
def template_new(request: ConsoleRequest) -> HttpResponse:
    """A new template; without a connection to Webex there can be none."""
    form = TemplateForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (saved := _create(request, form)):
        return _saved(request, saved, _("%(name)s is ready to be filled with users."))
    context = {"form": form, "connected": _is_connected(request)}
    return _form_page(request, context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.MANAGE)
def template_edit(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Change a template."""
    row = template_of(request, uuid)
    form = TemplateForm(request.POST or None, template=row)
    differences: list[tuple[str, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            if saved := _change(request, row, form):
                return _saved(
                    request, saved, _("%(name)s is saved. The portal follows it at once.")
                )
        except ChangedMeanwhile as problem:
            form, differences = _merged(request, problem)
    context = {
        "form": form,
        "template": row,
        "connected": True,
        "differences": differences,
        "waiting": reads.line_of(request.user, row).waiting,
    }
    return _form_page(request, context)


@require_POST
@requires(Right.MANAGE)
def template_mend(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Set the share link to the activation link."""
    services.mend_share_link(template=template_of(request, uuid), actor=Actor.of(request))
    messages.success(request, _("The share link now leads to this template's portal."))
    return redirect("userstatus:template", uuid=uuid)


@require_POST
@requires(Right.MANAGE)
def template_check(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Ask Webex now whether it knows the provisioning ID."""
    row = template_of(request, uuid)
    try:
        answer = services.check_provisioning_id(
            template=row, actor=Actor.of(request), now=clock.now()
        )
    except TemplateRefused as refused:
        messages.error(request, refused.message)
    else:
        _tell_answer(request, answer)
    return redirect("userstatus:template", uuid=uuid)


def template_of(request: ConsoleRequest, uuid: uuids.UUID) -> OnboardingTemplate:
    """The partner's own template; anybody else's is as missing as none."""
    found = OnboardingTemplate.objects.visible_to(request.user).filter(uuid=uuid)
    row: OnboardingTemplate | None = found.select_related("partner").first()
    if row is None:
        raise Http404
    return row


def _create(request: ConsoleRequest, form: TemplateForm) -> Saved | None:
    try:
        return services.create_template(
            partner=partner_of(request),
            settings=form.settings(),
            actor=Actor.of(request),
            now=clock.now(),
        )
    except TemplateRefused as refused:
        _add_refusal(form, refused)
        return None


def _change(request: ConsoleRequest, row: OnboardingTemplate, form: TemplateForm) -> Saved | None:
    """Without the time of the row that was shown, nothing is known about what was seen."""
    try:
        return services.change_template(
            template=row,
            settings=form.settings(),
            seen_at=form.seen_at(),
            actor=Actor.of(request),
            now=clock.now(),
        )
    except ChangedMeanwhile:
        raise
    except TemplateRefused as refused:
        _add_refusal(form, refused)
        return None


def _add_refusal(form: TemplateForm, refused: TemplateRefused) -> None:
    field = refused.field if refused.field in form.fields else None
    form.add_error(field, refused.message)


def _merged(
    request: ConsoleRequest, problem: ChangedMeanwhile
) -> tuple[TemplateForm, list[tuple[str, str]]]:
    """The form with what was typed, ready to be saved over what the other one did.

    With it come the fields in which the two differ: label, and what is saved now.
    """
    data = request.POST.copy()
    data["updated_at"] = initial_of(problem.template)["updated_at"]
    form = TemplateForm(data, template=problem.template)
    form.is_valid()
    form.add_error(None, problem.message)
    return form, form.differences()


def _saved(request: ConsoleRequest, saved: Saved, words: str) -> HttpResponse:
    messages.success(request, words % {"name": isolated(saved.template.name)})
    if saved.answer.check != IdCheck.KNOWN:
        _tell_answer(request, saved.answer)
    return redirect("userstatus:template", uuid=saved.template.uuid)


def _tell_answer(request: ConsoleRequest, answer: IdAnswer) -> None:
    if answer.check == IdCheck.KNOWN:
        messages.success(request, _("Webex knows the provisioning ID."))
    elif answer.check == IdCheck.UNKNOWN:
        messages.error(request, _("Webex does not know this provisioning ID."))
    else:
        messages.warning(request, _TROUBLE[answer.trouble])


#: Why the question got no answer, in words.
_TROUBLE = {
    Trouble.UNREACHABLE: gettext_lazy(
        "Webex cannot be reached, so the provisioning ID is unchecked."
    ),
    Trouble.TOKEN: gettext_lazy(
        "Webex refuses our token, so the provisioning ID is unchecked. Operations must renew it."
    ),
    Trouble.LATER: gettext_lazy(
        "Webex asks us to wait, so the provisioning ID is unchecked. Check again in a minute."
    ),
}


def _is_connected(request: ConsoleRequest) -> bool:
    return BackendConnection.objects.filter(partner=partner_of(request)).exists()


def _form_page(request: ConsoleRequest, context: dict[str, Any]) -> HttpResponse:
    status = 422 if context["form"].errors else 200
    return render(request, "userstatus/templates/form.html", context, status=status)
