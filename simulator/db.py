"""Plain SQL in a few typed words: the hot path pays for no ORM ceremony."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection
from psycopg2.errors import DeadlockDetected
from psycopg2.extras import execute_values

#: Where the driver puts a value into a statement.
MARK = re.compile(r"%\((?P<name>\w+)\)s|%s")
MOST_PREPARED = 200
#: How often one request is begun again when the database chose it to end a deadlock.
MOST_DEADLOCKS = 3
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

    A quarter of a request's time is journeys to the database. Raises RuntimeError within another
    unit or within `atomic`, and DatabaseError when a refused statement was passed over inside.
    """
    if _unit.state != "none" or connection.in_atomic_block:
        raise RuntimeError("a unit stands alone: not within another one, nor within atomic")
    _unit.state = "announced"
    try:
        yield
        if _unit.state == "open" and _run("COMMIT").statusmessage != "COMMIT":
            raise DatabaseError("a statement was refused, so nothing of this unit was kept")
    except BaseException:
        if _unit.state == "open":
            _roll_back()
        raise
    finally:
        _unit.state = "none"


def _roll_back() -> None:
    try:
        _run("ROLLBACK")
    except Error:
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


def _run(sql: str, params: Params = (), *, prepared: bool = False) -> Any:
    """Run a statement on the driver's own cursor; Django's would cost as much again."""
    if prepared:
        sql, params = _prepare(sql, params)
    if _unit.state == "announced":
        sql, _unit.state = f"BEGIN; {sql}", "open"
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor()
        cursor.execute(sql, params or None)
    return cursor


class _Prepared(threading.local):
    """The statements that a thread's connection has planned, by their text."""

    connection: object = None
    names: dict[str, str] = {}


_prepared = _Prepared()


def _prepare(sql: str, params: Params) -> tuple[str, Sequence[Any]]:
    """Return what runs a statement that this connection has planned before, or plans now.

    Half of what PostgreSQL does for a short statement is to plan it.
    """
    text, order = _numbered(sql)
    connection.ensure_connection()
    if _prepared.connection is not connection.connection or len(_prepared.names) > MOST_PREPARED:
        _prepared.connection, _prepared.names = connection.connection, {}
        _run("DEALLOCATE ALL")
    name = _prepared.names.get(text)
    if name is None:
        name = f"statement_{len(_prepared.names)}"
        _run(f"PREPARE {name} AS {text}")
        _prepared.names[text] = name
    values = [params[key] for key in order]  # type: ignore[index] # names or positions
    return f"EXECUTE {name} ({', '.join(['%s'] * len(values))})", values


@lru_cache(maxsize=1000)
def _numbered(sql: str) -> tuple[str, tuple[str | int, ...]]:
    """Return a statement with PostgreSQL's `$1` for the driver's marks, and what each stands for.

    A name that occurs again has the same number.
    """
    order: list[str | int] = []

    def number(found: re.Match[str]) -> str:
        key: str | int = found["name"] or len(order)
        if key not in order:
            order.append(key)
        return f"${order.index(key) + 1}"

    return MARK.sub(number, sql), tuple(order)


def rows(sql: str, params: Params = (), *, prepared: bool = False) -> list[Row]:
    """Run a query and return its rows as dictionaries; JSON columns come decoded.

    `prepared`: the same text will be run again and again, and PostgreSQL may keep its plan.
    """
    cursor = _run(sql, params, prepared=prepared)
    names = [column[0] for column in cursor.description]
    return [_decoded(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def one(sql: str, params: Params = (), *, prepared: bool = False) -> Row | None:
    """Run a query and return its first row, or None."""
    found = rows(sql, params, prepared=prepared)
    return found[0] if found else None


def tuples(sql: str, params: Params = (), *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """Run a query and return its rows as they come."""
    found: list[tuple[Any, ...]] = _run(sql, params, prepared=prepared).fetchall()
    return found


def execute(sql: str, params: Params = ()) -> int:
    """Run a statement and return how many rows it touched."""
    return int(_run(sql, params).rowcount)


def insert_last(sql: str, params: Params) -> int:
    """Insert a unit's last row and commit on the same journey; returns the row's number.

    Outside of a unit it is a transaction by itself. What fails here, the unit rolls back.
    """
    text, values = _prepare(sql, params)
    commit = "" if _unit.state == "none" else "COMMIT; "
    number = int(_run(f"{text}; {commit}SELECT lastval()", values).fetchone()[0])
    _unit.state = "none"
    return number


def insert_many(sql: str, values: Iterable[Sequence[Any]]) -> None:
    """Run `INSERT ... VALUES %s ...` for many rows, a thousand to a statement."""
    with connection.wrap_database_errors, connection.cursor() as cursor:
        execute_values(cursor.cursor, sql, values, page_size=1000)


def is_deadlock(error: BaseException) -> bool:
    """Tell whether the database ended a transaction because two waited for each other."""
    return isinstance(error.__cause__, DeadlockDetected)


def renew_if_lost() -> None:
    """Let go of a connection that died since its thread last used it (a restarted database)."""
    try:
        execute("SELECT 1")
    except (OperationalError, InterfaceError):
        connection.close()


def storable(text: str) -> str:
    """Return a text as PostgreSQL can store it: without NUL or half of a surrogate pair."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def dumps(value: object) -> str:
    """JSON text for a jsonb parameter."""
    return json.dumps(value, separators=(",", ":"))


def _decoded(row: Row) -> Row:
    # Django tells psycopg2 to leave jsonb as text; its JSONField would decode it.
    for name in JSON_COLUMNS & row.keys():
        if isinstance(row[name], str):
            row[name] = json.loads(row[name])
    return row
