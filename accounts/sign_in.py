"""Whom a session belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, cast

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection as database
from django.db.models import Model

from accounts.models import BackendConnection, Partner, User
from common import sql


class Backend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Signs in as allauth does; a session's person comes with partner and connection.

    Every page of the console needs all three, so they are one question.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The person, or None when there is nobody (any more) who may sign in."""
        user = _person(user_id)
        return user if user and self.user_can_authenticate(user) else None


def _person(user_id: Any) -> User | None:
    """The person, whose `partner` is there, and that one's `connection`.

    The SQL is written once: every request asks this, and Django takes longer to write it than for
    all the rest.
    """
    with database.cursor() as cursor:
        cursor.execute(_statement(), [user_id])
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row)
    person, partner, connection = (_made(model, values) for model in _TABLES.values())
    if partner:
        person.partner = partner
        _CONNECTION.set_cached_value(partner, connection)  # None, too, is an answer
    if connection:
        connection.partner = partner
    return cast(User, person)


#: What the statement calls each table, in the order of its columns.
_TABLES: dict[str, type[Model]] = {
    "person": User,
    "partner": Partner,
    "backend": BackendConnection,
}
#: Where a partner keeps its connection.
_CONNECTION: Any = BackendConnection._meta.get_field("partner").remote_field


@cache
def _statement() -> str:
    return f"""
        SELECT {", ".join(sql.select_list(model, name) for name, model in _TABLES.items())}
          FROM {User._meta.db_table} person
          LEFT JOIN {Partner._meta.db_table} partner ON partner.id = person.partner_id
          LEFT JOIN {BackendConnection._meta.db_table} backend ON backend.partner_id = partner.id
         WHERE person.id = %s
    """  # noqa: S608 -- own words


def _made(model: type[Model], values: Iterator[Any]) -> Any:
    """The next object of the row; None where the join found nothing."""
    found = sql.instance(model, list(islice(values, len(sql.columns(model)))))
    return found if found.pk is not None else None
