"""Whom a session belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection as database
from django.db.models import BinaryField, Model

from accounts.models import BackendConnection, Partner, User

Row = TypeVar("Row", bound=Model)


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
    person = _made(User, list(islice(values, len(_fields(User)))))
    partner = _made(Partner, list(islice(values, len(_fields(Partner)))))
    connection = _made(BackendConnection, list(values))
    if person and partner:
        person.partner = partner
        _CONNECTION.set_cached_value(partner, connection)  # None, too, is an answer
    if partner and connection:
        connection.partner = partner
    return person


#: Where a partner keeps its connection.
_CONNECTION: Any = BackendConnection._meta.get_field("partner").remote_field


@cache
def _statement() -> str:
    tables = {"person": User, "partner": Partner, "backend": BackendConnection}
    columns = [
        f"{name}.{column}" for name, model in tables.items() for column in _fields(model).values()
    ]
    return f"""
        SELECT {", ".join(columns)} FROM {User._meta.db_table} person
          LEFT JOIN {Partner._meta.db_table} partner ON partner.id = person.partner_id
          LEFT JOIN {BackendConnection._meta.db_table} backend ON backend.partner_id = partner.id
         WHERE person.id = %s
    """  # noqa: S608 -- own words


@cache
def _fields(model: type[Model]) -> dict[str, str]:
    """Attribute and column of what comes along; what is large or not plain is read when asked."""
    return {
        field.attname: str(field.column)
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField) and not hasattr(field, "from_db_value")
    }


def _made(model: type[Row], values: Sequence[Any]) -> Row | None:
    """An object out of its columns; None where the join found nothing."""
    found = model.from_db(database.alias, list(_fields(model)), values)
    return found if found.pk is not None else None
