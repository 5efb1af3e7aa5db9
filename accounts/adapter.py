"""How django-allauth behaves here: no sign-up, and tries counted per account and address."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse

from common import throttle
from common.requests import client_ip, network_of

#: Wrong tries for one account from one address. Another address keeps its own count, so nobody
#: can lock an administrator out from elsewhere (ASVS 6.1.1).
WRONG_TRIES = throttle.Limit(8, 900)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-in by e-mail address for people whom an administrator or operations made."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or "0.0.0.0"  # noqa: S104 -- a label for "unknown", not a bind

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Links in mails start with PUBLIC_URL, never with a Host header (S8)."""
        path = reverse("account_reset_password_from_key", args=key.split("-", 1))
        return f"{settings.PUBLIC_URL}{path}"

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

    def send_mail(self, template_prefix: str, email: str, context_: dict[str, Any]) -> None:
        context_.setdefault("request", context.request)
        super().send_mail(template_prefix, email, context_)
