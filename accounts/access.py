"""Guards of views and services: each view says what it requires, or that it is public and why."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.rights import Right, may
from common import lost_forms
from common.bidi import isolated

View = Callable[..., HttpResponseBase]


def requires(right: Right) -> Callable[[View], View]:
    """Let only administrators with this right in.

    Strangers go to the sign-in page, operations to Django admin, a refused role gets 403 with
    words (PermissionDenied). The right is kept on the view, where the URL matrix test reads it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return _sign_in_first(request)
            if user.is_staff and not user.partner_id:
                return redirect("admin:index")
            if not may(user, right):
                raise PermissionDenied(refusal(user))
            return view(request, *args, **kwargs)

        guarded.right = right  # type: ignore[attr-defined]
        return guarded

    return decorate


def _sign_in_first(request: HttpRequest) -> HttpResponseBase:
    """Lead a stranger to the sign-in; what a form of his held waits for him behind it."""
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    if "HX-Request" in request.headers:
        response = HttpResponse(status=401)
        response["X-Refused"] = "signed-out"
        return response
    lost = lost_forms.of(request)
    if lost is None:
        return redirect_to_login(request.get_full_path())
    context = {"form": import_string(settings.ACCOUNT_FORMS["login"])(request=request)}
    context |= {"lost": lost_forms.seal(lost)}
    return render(request, "account/login.html", context, status=401)


def check_right(actor: Actor, right: Right, partner_id: int) -> None:
    """Refuse whoever is no administrator of this partner with this right: each service asks anew.

    Raises:
        PermissionDenied: as said.
    """
    user = actor.user
    if user is None or user.partner_id != partner_id or not may(user, right):
        raise PermissionDenied


def public(reason: str) -> Callable[[View], View]:
    """Mark a view that is open without sign-in, and say why."""

    def decorate(view: View) -> View:
        view.public_reason = reason  # type: ignore[attr-defined]
        return view

    return decorate


def refusal(user: Any) -> str:
    """Why this user may not, in words for the 403 page."""
    if not user.partner_id or not user.role:
        return _("You are signed in, but you do not belong to a partner. Ask operations.")
    return _("You are signed in as %(email)s with the role %(role)s.") % {
        "email": isolated(user.email),
        "role": user.get_role_display(),
    }
