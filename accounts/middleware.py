"""A person's own language wins over the browser's; answers to polls say whose they are."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import User
from common.requests import account_mark


class AccountMiddleware:
    """Activates the person's language and the browser's time zone; says whose answer a poll got."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The portal is an end user's: an administrator who tries it sees it as they would.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            user = request.user
            if isinstance(user, User) and user.language and not _is_portal(request):
                translation.activate(user.language)
                request.LANGUAGE_CODE = user.language
        with timezone.override(_zone_of(request)):
            response = self.get_response(request)
        if "HX-Request" in request.headers:
            response["X-Account"] = account_mark(request)
        return response


def _zone_of(request: HttpRequest) -> ZoneInfo | None:
    """The browser's time zone, which a script of ours writes into a cookie; None: not known yet."""
    name = request.COOKIES.get("zone", "")
    return ZoneInfo(name) if name in _ZONES else None


#: Names that may be looked for in the time zone database: nothing else of a cookie is.
_ZONES = available_timezones()


def _is_portal(request: HttpRequest) -> bool:
    return request.path.startswith("/activate/")
