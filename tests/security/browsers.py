"""Signed-in browsers that send a valid CSRF token, and what a request changed in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.security.world import World

ANONYMOUS = "anonymous"
READ_ONLY = "read-only"
ADMIN = "administrator"
FULL = "full administrator"
STRANGER = "full administrator of another partner"
DISABLED = "disabled administrator"
NOBODY = "person without partner and role"
OPERATIONS = "operations"
ROLES = [ANONYMOUS, READ_ONLY, ADMIN, FULL, STRANGER, DISABLED, NOBODY, OPERATIONS]

#: Tables that keep count of requests, not of what people did.
BOOKKEEPING = frozenset({"django_session", "cache", "throttle_count"})
_WRITES = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
"""
_RANDOM = re.compile(rb"\b[0-9a-f]{16}\b|\b[A-Za-z0-9]{64}\b|data-now=\"[^\"]+\"")


class Browsers:
    """One browser for each role; every request starts from the same cookies."""

    def __init__(self, world: World) -> None:
        people = {
            READ_ONLY: world.ours.read_only,
            ADMIN: world.ours.admin,
            FULL: world.ours.full,
            STRANGER: world.theirs.full,
            DISABLED: world.ours.closed,
            NOBODY: world.nobody,
            OPERATIONS: world.operations,
        }
        self.people: dict[str, User | AnonymousUser] = {ANONYMOUS: AnonymousUser(), **people}
        self._client = Client(
            enforce_csrf_checks=True,
            raise_request_exception=False,
            headers={"accept-language": "en"},
        )
        self._cookies = {role: _cookies(people.get(role)) for role in ROLES}

    def token(self, role: str) -> str:
        """The CSRF token that this browser's pages would carry."""
        return self._cookies[role]["csrf"].value

    def send(self, role: str, method: str, url: str, *rest: Any, **more: Any) -> Any:
        """Send a request with a valid token (unless `token` says otherwise).

        The method "generic" takes the real one and a body as `rest` (see Client.generic).
        """
        token = more.pop("token", self.token(role))
        headers = more.pop("headers", {}) | ({"x-csrftoken": token} if token else {})
        self._client.cookies = SimpleCookie(
            {name: morsel.value for name, morsel in self._cookies[role].items()}
        )
        words = (rest[0], url, *rest[1:]) if rest else (url,)
        answer = getattr(self._client, method.lower())(*words, headers=headers, **more)
        # A file that nobody reads to its end stays open.
        answer.whole = answer.getvalue() if answer.streaming else answer.content
        return answer


def _cookies(person: User | None) -> SimpleCookie:
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")  # a real page gives the token
    if person is not None:
        # A closed account's session was made while it was open.
        closed = not person.is_active
        if closed:
            User.objects.filter(pk=person.pk).update(is_active=True)
        client.force_login(person)
        if closed:
            User.objects.filter(pk=person.pk).update(is_active=False)
    return client.cookies


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside leaves no trace."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def writes() -> dict[str, int]:
    """Rows inserted, updated or deleted so far in this transaction, by table."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITES)
        return {name: count for name, count in cursor.fetchall() if name not in BOOKKEEPING}


def same_bytes(response: HttpResponse, *own: object) -> bytes:
    """A page without what is random or named by the request itself."""
    content = response.content
    for text in own:
        content = content.replace(str(text).encode(), b"-")
    return _RANDOM.sub(b"-", content)
