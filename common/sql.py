"""Rows by SQL of our own: statements whose plan is kept, and objects made of what they return.

Django builds the text of a query anew each time, and PostgreSQL its plan; either costs more than
the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import connection as database
from django.db.models import (
    BigIntegerField,
    BinaryField,
    Func,
    Model,
    Value,
)

Row = TypeVar("Row", bound=Model)
#: PostgreSQL's types of the values that prepared statements take, by their names there.
TYPES = {
    "answered": "bigint[]",
    "connection": "bigint",
    "ids": "bigint[]",
    "names": "text[]",
    "now": "timestamptz",
    "partner": "bigint",
    "positions": "integer[]",
    "records": "jsonb",
    "templates": "bigint[]",
    "uuid": "uuid",
}
#: Statements that a session of PostgreSQL has been told; they end with it, not with a transaction.
_prepared_names: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_WORD = re.compile(r"[\w-]+")


def literals(values: Iterable[str]) -> str:
    """Words of our own code as a list for SQL: `'checking', 'queued'`, always in the same order.

    Raises:
        ValueError: one of them is not a plain word, and so nothing to put into a statement.
    """
    words = sorted(map(str, values))
    if strange := [word for word in words if not _WORD.fullmatch(word)]:
        raise ValueError(f"not plain words: {strange}")
    return ", ".join(f"'{word}'" for word in words)


def rows(model: type[Row], condition: str, values: Sequence[Any]) -> list[Row]:
    """Whole rows of a table; `condition` is SQL from WHERE on, the module's own words."""
    sql = f"SELECT * FROM {model._meta.db_table} {condition}"  # noqa: S608 -- own words
    return list(model._default_manager.raw(sql, values))


def by_id(model: type[Row], ids: Iterable[int | None]) -> dict[int, Row]:
    """Rows by their ids; those that are None or unknown are left out."""
    wanted = sorted({key for key in ids if key is not None})
    found = rows(model, "WHERE id = ANY(%s)", [wanted]) if wanted else []
    return {row.pk: row for row in found}


def rows_prepared(model: type[Row], condition: str, values: Mapping[str, Any]) -> list[Row]:
    """Rows of a table by a statement whose plan the session keeps (`prepared`).

    `condition` names its values as there. What is large or not plain is read when it is asked
    for (`columns`).
    """
    table = model._meta.db_table
    sql = f"SELECT {select_list(model, table)} FROM {table} {condition}"  # noqa: S608 -- own words
    return [instance(model, row) for row in prepared(sql, values)]


def prepared(sql: str, values: Mapping[str, Any]) -> list[Any]:
    """Run a statement whose plan the session keeps; returns its rows, if it has any.

    `sql` names its values as %(this)s, by a name in TYPES, and nothing else in it is a per cent
    sign. For statements about few rows: one plan serves all values.
    """
    text, names = _positional(sql)
    with database.cursor() as cursor:
        session = database.connection
        names_by_text = _prepared_names.setdefault(session, {})
        if text not in names_by_text:
            name = f"kept_{len(names_by_text)}"
            statement = f"PREPARE {name}{_in_brackets(TYPES[one] for one in names)} AS {text}"
            cursor.execute(statement)
            names_by_text[text] = name
        run = f"EXECUTE {names_by_text[text]}{_in_brackets('%s' for _ in names)}"
        cursor.execute(run, [values[one] for one in names] or None)
        return list(cursor.fetchall()) if cursor.description else []


def _in_brackets(words: Iterable[str]) -> str:
    listed = ", ".join(words)
    return f"({listed})" if listed else ""


@lru_cache(maxsize=64)
def _positional(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement as PREPARE wants it, and the names of its values in their order."""
    names = tuple(dict.fromkeys(_PLACEHOLDER.findall(sql)))
    return _PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1}", sql), names


@cache
def columns(model: type[Model]) -> dict[str, str]:
    """Attribute and column of what is read; what is large or not plain is read when asked for."""
    return {
        field.attname: str(field.column)
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField) and not hasattr(field, "from_db_value")
    }


def select_list(model: type[Model], table: str) -> str:
    """The columns, to stand after SELECT; `table` is the name that the statement gives it."""
    return ", ".join(f"{table}.{column}" for column in columns(model).values())


def instance(model: type[Row], values: Sequence[Any]) -> Row:
    """An object out of the values of `columns`, in their order."""
    return model.from_db(database.alias, list(columns(model)), values)


class Among(Func):
    """For `pk__in`: thousands of ids as one parameter, where Django would prepare each alone."""

    arity = 1
    output_field = BigIntegerField()
    template = "(SELECT unnest(string_to_array(%(expressions)s, ',')::bigint[]))"

    @classmethod
    def of(cls, ids: Sequence[int]) -> Among:
        return cls(Value(",".join(map(str, ids))))
