"""Whom a session belongs to."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User


class Backend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Signs in as allauth does; a session's person comes with partner and connection.

    Every page of the console needs all three, so they are one question.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The person, or None when there is nobody (any more) who may sign in."""
        users = User.objects.select_related("partner__connection")
        user = users.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
