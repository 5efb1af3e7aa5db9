"""Plain SQL in a few typed words: the hot path pays for no ORM ceremony."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from psycopg2.extras import execute_values

Row = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any]
JSON_COLUMNS = frozenset({"errors", "due_errors", "changes", "scopes", "settings", "options"})


def rows(sql: str, params: Params = ()) -> list[Row]:
    """Run a query and return its rows as dictionaries; JSON columns come decoded."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column[0] for column in cursor.description]
        return [_decoded(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def one(sql: str, params: Params = ()) -> Row | None:
    """Run a query and return its first row, or None."""
    found = rows(sql, params)
    return found[0] if found else None


def tuples(sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
    """Run a query and return its rows as they come."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def execute(sql: str, params: Params = ()) -> int:
    """Run a statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def insert_many(sql: str, values: Iterable[Sequence[Any]]) -> None:
    """Run `INSERT ... VALUES %s ...` for many rows, a thousand to a statement."""
    with connection.wrap_database_errors, connection.cursor() as cursor:
        execute_values(cursor.cursor, sql, values, page_size=1000)


def renew_if_lost() -> None:
    """Let go of a connection that died since its thread last used it (a restarted database)."""
    try:
        execute("SELECT 1")
    except (OperationalError, InterfaceError):
        connection.close()


def dumps(value: object) -> str:
    """JSON text for a jsonb parameter."""
    return json.dumps(value, separators=(",", ":"))


def _decoded(row: Row) -> Row:
    # Django tells psycopg2 to leave jsonb as text; its JSONField would decode it.
    for name in JSON_COLUMNS & row.keys():
        if isinstance(row[name], str):
            row[name] = json.loads(row[name])
    return row
