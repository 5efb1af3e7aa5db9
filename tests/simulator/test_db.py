"""One transaction in few journeys: what it keeps, and what it leaves when it is cut short."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from simulator import db

INSERT = "INSERT INTO kept (word) VALUES (%s)"
COUNT = "SELECT count(*) AS n FROM kept WHERE word = %(word)s OR word = lower(%(word)s)"


class Interrupted(BaseException):
    """What a server throws into a thread that took too long."""


class Mistake(Exception):
    """What a handler may raise."""


Errors = type[BaseException] | tuple[type[BaseException], ...]


@contextmanager
def broken_unit(errors: Errors, words: str | None = None) -> Iterator[None]:
    """A unit that ends by one of these errors."""
    with pytest.raises(errors, match=words):  # noqa: SIM117 - what is raised is the unit's matter
        with db.unit():
            yield


@pytest.fixture(autouse=True)
def _table(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        db.execute("CREATE TABLE kept (id bigserial PRIMARY KEY, word text UNIQUE)")
        yield
        db.renew_if_lost()
        db.execute("DROP TABLE kept")
        connection.close()


def words() -> list[str]:
    """What others see: read on a connection of its own."""
    with psycopg2.connect(**connection.get_connection_params()) as other, other.cursor() as cursor:
        cursor.execute("SELECT word FROM kept ORDER BY id")
        found = [word for (word,) in cursor.fetchall()]
    other.close()
    return found


def is_idle() -> bool:
    """Is the thread's connection outside of every transaction?"""
    status: int = connection.connection.info.transaction_status
    return status == psycopg2.extensions.TRANSACTION_STATUS_IDLE


def cut() -> None:
    """End the thread's connection from outside, as a restarted database does."""
    pid = connection.connection.info.backend_pid
    with psycopg2.connect(**connection.get_connection_params()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


def test_a_unit_is_kept_as_a_whole_by_its_end() -> None:
    with db.unit():
        db.execute(INSERT, ["one"])
        db.execute(INSERT, ["two"])
        assert words() == []

    assert words() == ["one", "two"]
    assert is_idle()


def test_the_last_row_commits_and_tells_its_number() -> None:
    with db.unit():
        db.execute(INSERT, ["one"])
        number = db.insert_last(INSERT, ["two"])

        assert words() == ["one", "two"]

    assert number == 2
    assert is_idle()


def test_a_last_row_that_is_the_only_one_commits_too() -> None:
    for word in ("planned now", "planned before"):
        with db.unit():
            db.insert_last(INSERT, [word])

    assert words() == ["planned now", "planned before"]
    assert is_idle()


def test_a_last_row_needs_no_unit() -> None:
    assert [db.insert_last(INSERT, [word]) for word in ("one", "two")] == [1, 2]
    assert words() == ["one", "two"]


def test_a_unit_without_a_statement_does_nothing() -> None:
    with db.unit():
        pass

    assert is_idle()


@pytest.mark.parametrize("error", [Mistake, Interrupted])
@pytest.mark.parametrize("statements", [0, 1, 2])
def test_whatever_is_thrown_leaves_nothing(error: type[BaseException], statements: int) -> None:
    with broken_unit(error):
        for word in ("one", "two")[:statements]:
            db.execute(INSERT, [word])
        raise error

    assert words() == []
    assert is_idle()


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("prepared", [True, False])
def test_a_refused_statement_leaves_nothing(prepared: bool, is_first: bool) -> None:
    with broken_unit(DatabaseError):
        if not is_first:
            db.execute(INSERT, ["one"])
        db.rows("SELECT no_such_column FROM kept", prepared=prepared)

    assert words() == []
    assert is_idle()


@pytest.mark.parametrize(
    "last",
    [
        (INSERT, ["one"]),  # a key that exists
        ("INSERT INTO no_such_table VALUES (%s)", ["x"]),  # cannot even be planned
        (INSERT, ["a\x00b"]),  # refused by the driver, before the database hears of it
        (INSERT, ["\ud800"]),
        (INSERT, []),  # a value is missing
    ],
)
def test_a_last_row_that_fails_leaves_nothing(last: tuple[str, list[str]]) -> None:
    with broken_unit((DatabaseError, ValueError, LookupError)):
        db.execute(INSERT, ["one"])
        db.insert_last(*last)

    assert words() == []
    assert is_idle()
    assert db.insert_last(INSERT, ["after"]) > 0


def test_an_error_that_was_passed_over_is_not_taken_for_success() -> None:
    with broken_unit(DatabaseError, "nothing of this unit"):
        db.execute(INSERT, ["one"])
        with pytest.raises(DatabaseError):
            db.execute("SELECT 1 / 0")

    assert words() == []
    assert is_idle()


def test_a_savepoint_undoes_its_own_part_only() -> None:
    with db.unit():
        db.execute(INSERT, ["one"])
        with suppress(IntegrityError), db.savepoint():
            db.execute(INSERT, ["two"])
            db.execute(INSERT, ["one"])
        db.insert_last(INSERT, ["three"])

    assert words() == ["one", "three"]


def test_a_unit_stands_alone() -> None:
    with pytest.raises(RuntimeError, match="stands alone"), db.unit(), db.unit():
        pass
    with pytest.raises(RuntimeError, match="stands alone"), transaction.atomic(), db.unit():
        pass

    assert is_idle()


def test_django_works_in_the_same_thread_before_and_after() -> None:
    with transaction.atomic():
        db.insert_last(INSERT, ["by Django"])
    with broken_unit(Mistake):
        db.execute(INSERT, ["undone"])
        raise Mistake
    with transaction.atomic():
        db.execute(INSERT, ["by Django again"])
        assert words() == ["by Django"]
    with suppress(Mistake), transaction.atomic():
        db.insert_last(INSERT, ["undone by Django"])
        raise Mistake
    with db.unit():
        db.insert_last(INSERT, ["a unit"])

    assert words() == ["by Django", "by Django again", "a unit"]


@pytest.mark.parametrize("moment", ["before", "within", "at the last row", "at the end"])
def test_a_lost_connection_leaves_nothing_and_the_next_unit_gets_a_new_one(moment: str) -> None:
    db.rows(COUNT, {"word": "x"}, prepared=True)
    if moment == "before":
        cut()
    with broken_unit(OperationalError):
        db.execute(INSERT, ["one"])
        cut()
        if moment == "within":
            db.rows(COUNT, {"word": "x"}, prepared=True)
        if moment == "at the last row":
            db.insert_last(INSERT, ["two"])

    assert words() == []
    with db.unit():  # plans anew what the lost connection had planned
        assert db.rows(COUNT, {"word": "x"}, prepared=True) == [{"n": 0}]
        db.insert_last(INSERT, ["after"])
    assert words() == ["after"]


def test_a_kept_plan_outlives_the_transaction_that_made_it() -> None:
    with broken_unit(Mistake):
        assert db.rows(COUNT, {"word": "One"}, prepared=True) == [{"n": 0}]
        raise Mistake
    db.execute(INSERT, ["one"])

    assert db.rows(COUNT, {"word": "One"}, prepared=True) == [{"n": 1}]
    plans = "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%%FROM kept%%'"
    assert db.rows(plans, []) == [{"n": 1}]


def test_too_many_plans_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "MOST_PREPARED", 3)

    found = [db.rows(f"SELECT {n} + %s AS n", [1], prepared=True)[0]["n"] for n in range(10)]

    assert found == list(range(1, 11))
    assert db.tuples("SELECT count(*) <= 4 FROM pg_prepared_statements") == [(True,)]


def test_threads_have_units_and_plans_of_their_own() -> None:
    both = threading.Barrier(2, timeout=60)

    with ThreadPoolExecutor(2) as pool:
        ending = pool.submit(_in_turns, lambda word: _fail(word, both), "undone")
        keeping = pool.submit(_in_turns, lambda word: _keep(word, both), "kept")

    assert ending.result() == keeping.result() == 20
    assert words() == [f"kept {number}" for number in range(20)]


def _in_turns(work: Callable[[str], None], name: str) -> int:
    try:
        for number in range(20):
            work(f"{name} {number}")
        return 20
    finally:
        connection.close()


def _fail(word: str, both: threading.Barrier) -> None:
    with broken_unit(Mistake):
        db.execute(INSERT, [word])
        both.wait()  # now the other one is in the middle of its own
        raise Mistake


def _keep(word: str, both: threading.Barrier) -> None:
    with db.unit():
        db.rows(COUNT, {"word": word}, prepared=True)
        both.wait()
        db.insert_last(INSERT, [word])
