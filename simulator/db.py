"""Plain SQL in a few typed words: the hot path pays for no ORM ceremony."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from psycopg2.extras import execute_values

Row = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any]
JSON_COLUMNS = frozenset({"errors", "due_errors", "changes", "scopes", "settings", "options"})


class _Unit(threading.local):
    """Where a thread is in its unit of work: none, announced (no statement yet) or open."""

    state = "none"


_unit = _Unit()


@contextmanager
def unit() -> Iterator[None]:
    """One transaction; BEGIN travels with its first statement, and Django keeps out of it.

    A quarter of a request's time is journeys to the database. Not to be mixed with `atomic`.
    """
    _unit.state = "announced"
    try:
        yield
        if _unit.state == "open":
            _run("COMMIT")
    except BaseException:
        if _unit.state == "open":
            _roll_back()
        raise
    finally:
        _unit.state = "none"


def _roll_back() -> None:
    try:
        _run("ROLLBACK")
    except (OperationalError, InterfaceError):
        connection.close()  # what is not committed is rolled back by its end


@contextmanager
def savepoint() -> Iterator[None]:
    """Undo what is done within if it fails, and nothing else; inside a unit only."""
    _run("SAVEPOINT attempt")
    try:
        yield
    except DatabaseError:
        _run("ROLLBACK TO SAVEPOINT attempt")
        raise
    _run("RELEASE SAVEPOINT attempt")


def _run(sql: str, params: Params = ()) -> Any:
    """Run a statement on the driver's own cursor; Django's would cost as much again."""
    if _unit.state == "announced":
        sql, _unit.state = f"BEGIN; {sql}", "open"
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor()
        cursor.execute(sql, params or None)
    return cursor


def rows(sql: str, params: Params = ()) -> list[Row]:
    """Run a query and return its rows as dictionaries; JSON columns come decoded."""
    cursor = _run(sql, params)
    names = [column[0] for column in cursor.description]
    return [_decoded(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def one(sql: str, params: Params = ()) -> Row | None:
    """Run a query and return its first row, or None."""
    found = rows(sql, params)
    return found[0] if found else None


def tuples(sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
    """Run a query and return its rows as they come."""
    found: list[tuple[Any, ...]] = _run(sql, params).fetchall()
    return found


def execute(sql: str, params: Params = ()) -> int:
    """Run a statement and return how many rows it touched."""
    return int(_run(sql, params).rowcount)


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
