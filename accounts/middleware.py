"""A person's own language wins over the browser's; answers to polls say whose they are."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from accounts.models import User
from common.requests import account_mark


class AccountMiddleware:
    """Activates the language that the signed-in person chose, and marks answers to polls as his."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The portal is an end user's: an administrator who tries it sees it as they would.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            user = request.user
            if isinstance(user, User) and user.language and not _is_portal(request):
                translation.activate(user.language)
                request.LANGUAGE_CODE = user.language
        response = self.get_response(request)
        if "HX-Request" in request.headers:
            response["X-Account"] = account_mark(request)
        return response


def _is_portal(request: HttpRequest) -> bool:
    return request.path.startswith("/activate/")
