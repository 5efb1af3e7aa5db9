"""Error pages: always our words, with the request id, never a trace."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)


class ErrorPagesMiddleware:
    """Turns trouble that is not the view's own into a page that says what to do.

    A database that is away is 503 with Retry-After (the request may simply be repeated);
    a request that is too large or malformed is 413 or 400.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except (OperationalError, InterfaceError):
            return unavailable(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError | InterfaceError):
            logger.error("database unavailable", exc_info=error)
            return unavailable(request)
        if isinstance(error, RequestDataTooBig | TooManyFieldsSent):
            return render(request, "413.html", status=413)
        if isinstance(error, SuspiciousOperation):
            return render(request, "400.html", status=400)
        return None


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: our database does not answer; nothing was accepted, trying again is safe."""
    response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old: usually a page that stood open too long."""
    logger.info("csrf refused", extra={"reason": reason[:100]})
    return render(request, "403_csrf.html", status=403)


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
