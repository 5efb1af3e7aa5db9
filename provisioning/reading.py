"""Rows by SQL that is ready made: the engine asks for them many times a second.

Django builds the text of a query anew each time, which costs more than PostgreSQL's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection as database
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def rows(model: type[Row], condition: str, values: Sequence[Any]) -> list[Row]:
    """Whole rows of a table; `condition` is SQL from WHERE on, the module's own words."""
    sql = f"SELECT * FROM {model._meta.db_table} {condition}"  # noqa: S608 -- own words
    return list(model._default_manager.raw(sql, values))


def by_id(model: type[Row], ids: Iterable[int | None]) -> dict[int, Row]:
    """Rows by their ids; those that are None or unknown are left out."""
    wanted = sorted({key for key in ids if key is not None})
    found = rows(model, "WHERE id = ANY(%s)", [wanted]) if wanted else []
    return {row.pk: row for row in found}


def value(sql: str, values: Sequence[Any]) -> Any:
    """The one value that a statement answers."""
    with database.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]
