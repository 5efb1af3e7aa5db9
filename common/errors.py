"""Error pages: always our words, with the request id, never a trace."""

from __future__ import annotations

import logging
import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme

from common import lost_forms
from common.requests import request_id

logger = logging.getLogger(__name__)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database is away, wherever it was asked: in middleware too.

    Django calls this while it handles the exception. Nothing here may ask the database.
    """
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    name, status = ("503.html", 503) if away else ("500.html", 500)
    context = {"request": request, "request_id": request_id(request)}
    if away and (lost := lost_forms.of(request)):
        context |= {"lost": lost, "csrf_token": get_token(request)}
    with translation.override(translation.get_language_from_request(request)):
        response = HttpResponse(render_to_string(name, context), status=status)
    if away:  # nothing was accepted, trying again is safe
        response["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old: usually a page that stood open too long.

    What it held can be sent again by one press; a page that waits for the answer gets a new token.
    """
    logger.info("csrf refused", extra={"reason": reason[:100]})
    ours = lost_forms.is_ours(request)
    at_sign_in = request.path == resolve_url(settings.LOGIN_URL)
    if ours and at_sign_in and request.user.is_authenticated:
        return redirect(_wanted(request))  # a second press of "Sign in"
    response = render(request, "403_csrf.html", {"lost": lost_forms.of(request)}, status=403)
    response["X-Refused"] = "stale"  # the page that sent it says so, and blames no role
    if ours:
        response["X-CSRF-Token"] = get_token(request)
    return response


def _wanted(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400, or 413 when the request was too large."""
    too_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent)
    name, status = ("413.html", 413) if too_large else ("400.html", 400)
    return render(request, name, status=status)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role does not allow it; says who can."""
    context = {"reason": str(exception or "")}
    return render(request, "403.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: missing, deleted or another partner's, which look alike on purpose."""
    return render(request, "404.html", status=404)
