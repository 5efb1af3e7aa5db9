"""Choosing the language of the pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts.models import User


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """POST: keep the language in a cookie, and with the person who is signed in."""
    chosen = request.POST.get("language", "")
    user = request.user
    if isinstance(user, User) and user.language and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=user.pk).update(language=chosen)
    return set_language(request)
