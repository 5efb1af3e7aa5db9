"""How django-allauth behaves here: no sign-up, and tries counted per account and address."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse

from common import lost_forms, throttle
from common.requests import client_ip, network_of

logger = logging.getLogger(__name__)

#: Wrong tries for one account from one address. Another address keeps its own count, so nobody
#: can lock an administrator out from elsewhere (ASVS 6.1.1).
WRONG_TRIES = throttle.Limit(8, 900)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-in by e-mail address for people whom an administrator or operations made."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or "0.0.0.0"  # noqa: S104 -- a label for "unknown", not a bind

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Count before hashing; a success forgets the count of this account and address."""
        email = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
        place = network_of(client_ip(request))
        if not throttle.take("sign-in", email, place, limit=WRONG_TRIES):
            raise self.validation_error("too_many_login_attempts")
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user:
            throttle.clear("sign-in", email, place)
        return user

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Back to a form that was sent after the session had ended, filled in as it was."""
        lost = lost_forms.keep(request, request.POST.get("lost", ""))
        if lost is None:
            return str(super().get_login_redirect_url(request))
        return lost.path if _refills(lost.path) else reverse("sent_again")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Refuse: mails of ours wait in a queue, and no request waits for a mail server."""
        logger.error("a mail of allauth's was not sent", extra={"template": template_prefix})


def _refills(path: str) -> bool:
    """Whether the page at this address shows a kept form by itself."""
    try:
        return bool(getattr(resolve(path.partition("?")[0]).func, "refills", False))
    except Resolver404:
        return False
