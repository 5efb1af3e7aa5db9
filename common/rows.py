"""Objects out of rows that came by SQL of our own, for what every request asks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection as database
from django.db.models import BinaryField, Model

Row = TypeVar("Row", bound=Model)


@cache
def columns(model: type[Model]) -> dict[str, str]:
    """Attribute and column of what is read; what is large or not plain is read when asked for."""
    return {
        field.attname: str(field.column)
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField) and not hasattr(field, "from_db_value")
    }


def listed(model: type[Model], table: str) -> str:
    """The columns, to stand after SELECT; `table` is the name that the statement gives it."""
    return ", ".join(f"{table}.{column}" for column in columns(model).values())


def made(model: type[Row], values: Sequence[Any]) -> Row:
    """An object out of the values of `columns`, in their order."""
    return model.from_db(database.alias, list(columns(model)), values)
