"""Links by which a person sets a password: who gets one, how long it is good, who mails it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.http import base36_to_int
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from accounts.models import User

#: Of the link of somebody who has a password, and of the first one that a new person gets, who
#: may be on holiday (PASSWORD_RESET_TIMEOUT is the longer one).
RESET_LIFETIME = timedelta(hours=1)
WELCOME_LIFETIME = timedelta(days=7)


def ask(address: str) -> None:
    """Queue the mail with a link, in the caller's transaction, whoever has the address.

    That is looked up when it is sent: what the page says, and when, tells nothing about accounts.
    """
    import_string(settings.PASSWORD_MAILS)(address.strip(), language=get_language() or "")


def receiver(address: str) -> User | None:
    """Tell who gets a link to this address: a person whose account is open."""
    return User.objects.filter(email__iexact=address, is_active=True).first()


def lifetime(person: User) -> timedelta:
    """How long a link of this person is good."""
    return RESET_LIFETIME if person.has_usable_password() else WELCOME_LIFETIME


def link(person: User) -> str:
    """A new link, which works once; it starts with PUBLIC_URL, never with a Host header (S8)."""
    token = TokenGenerator().make_token(person)
    path = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(person), token])
    return f"{settings.PUBLIC_URL}{path}"


class TokenGenerator(PasswordResetTokenGenerator):
    """Django's, whose tokens end when the password, the address or the account's state changes."""

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.is_active}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        if user is None or not super().check_token(user, token):
            return False
        made: Any = base36_to_int(str(token).partition("-")[0])
        age = timedelta(seconds=self._num_seconds(self._now()) - made)
        return age <= lifetime(user)
