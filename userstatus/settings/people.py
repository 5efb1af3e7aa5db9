"""A partner's administrators: who may look, who may change, and how one is let in."""

from __future__ import annotations

import uuid as uuids

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.access import requires
from accounts.audit import Actor
from accounts.models import User
from accounts.people_forms import ChangedPersonForm, NewPersonForm, PersonForm
from accounts.rights import Right, Role
from accounts.services import PersonChanged, PersonRefused
from common.addresses import shown
from common.bidi import isolated
from common.folding import sort_key
from provisioning.activation import password_mails
from userstatus.requests import ConsoleRequest, partner_of


@require_safe
@requires(Right.SEE)
def people(request: ConsoleRequest) -> HttpResponse:
    """All administrators of the partner; closed accounts last."""
    found = User.objects.visible_to(request.user)
    rows = sorted(found, key=lambda row: (not row.is_active, sort_key(row.name), row.email))
    mails = password_mails.latest([row.email for row in rows])
    listed = [(row, mails.get(row.email)) for row in rows]
    return render(request, "userstatus/people/people.html", {"people": listed})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.MANAGE)
def person_new(request: ConsoleRequest) -> HttpResponse:
    """Add an administrator, who gets a mail with a link to set a password."""
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := _add(request, form)):
        _say_on_its_way(request, made)
        return redirect("userstatus:people")
    return _form_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.MANAGE)
def person(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Change name and role."""
    row = _person(request, uuid)
    initial = {"name": row.name, "role": row.role, "version": services.person_version(row)}
    form = ChangedPersonForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            if _change(request, row, form):
                words = {"name": form.cleaned_data["name"]}
                messages.success(request, _("%(name)s is saved.") % words)
                return redirect("userstatus:people")
        except PersonChanged as problem:
            form = _redrawn(request, problem)
    return _form_page(request, form, row)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.MANAGE)
def person_close(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Ask, then close the account."""
    row = _person(request, uuid)
    context = {"person": row, "problem": ""}
    if request.method == "POST":
        try:
            services.deactivate_person(person=row, actor=Actor.of(request))
        except PersonRefused as refused:
            context["problem"] = refused.message
        else:
            messages.success(
                request, _("%(name)s can no longer sign in.") % {"name": isolated(row.label)}
            )
            return redirect("userstatus:people")
    status = 422 if context["problem"] else 200
    return render(request, "userstatus/people/close.html", context, status=status)


@require_POST
@requires(Right.MANAGE)
def person_open(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Open a closed account again."""
    row = services.reactivate_person(person=_person(request, uuid), actor=Actor.of(request))
    messages.success(request, _("%(name)s can sign in again.") % {"name": isolated(row.label)})
    return redirect("userstatus:people")


@require_POST
@requires(Right.MANAGE)
def person_link(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Mail a link to set a password."""
    row = _person(request, uuid)
    try:
        services.send_password_link(person=row, actor=Actor.of(request))
    except PersonRefused as refused:
        messages.error(request, refused.message)
    else:
        _say_on_its_way(request, row)
    return redirect("userstatus:people")


def _person(request: ConsoleRequest, uuid: uuids.UUID) -> User:
    row = User.objects.visible_to(request.user).filter(uuid=uuid).first()
    if row is None:
        raise Http404
    return row


def _add(request: ConsoleRequest, form: NewPersonForm) -> User | None:
    data = form.cleaned_data
    try:
        return services.add_person(
            partner=partner_of(request),
            name=data["name"],
            email=data["email"],
            role=Role(data["role"]),
            actor=Actor.of(request),
            submission_id=data["submission_id"],
        )
    except PersonRefused as refused:
        form.add_error(refused.field or None, refused.message)
        return None


def _change(request: ConsoleRequest, row: User, form: ChangedPersonForm) -> bool:
    data = form.cleaned_data
    try:
        services.change_person(
            person=row,
            name=data["name"],
            role=Role(data["role"]),
            actor=Actor.of(request),
            seen=data["version"] or None,
        )
    except PersonChanged:
        raise
    except PersonRefused as refused:
        form.add_error(refused.field or None, refused.message)
        return False
    return True


def _redrawn(request: ConsoleRequest, problem: PersonChanged) -> ChangedPersonForm:
    """The form with what was typed, ready to be saved over what the other one did."""
    data = request.POST.copy()
    data["version"] = services.person_version(problem.person)
    form = ChangedPersonForm(data)
    form.add_error(None, problem.message)
    return form


def _say_on_its_way(request: ConsoleRequest, row: User) -> None:
    words = {"email": shown(row.email)}
    messages.success(request, _("A link to set a password is on its way to %(email)s.") % words)


def _form_page(request: ConsoleRequest, form: PersonForm, row: User | None) -> HttpResponse:
    context = {"form": form, "person": row}
    status = 422 if form.errors else 200
    return render(request, "userstatus/people/person.html", context, status=status)
