"""Locks by name that a session of PostgreSQL holds."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.db import connection as database

from common import session_locks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other():
    """Another session."""
    session = database.copy()
    yield session
    session.close()


def taken_by(session) -> bool:
    with session.cursor() as cursor:
        cursor.execute(session_locks._TAKE, ["one thing"])
        return bool(cursor.fetchone()[0])


def test_only_one_session_holds_a_name(other):
    with session_locks.held("one thing") as is_ours:
        assert is_ours
        assert not taken_by(other)


def test_who_comes_second_is_told_and_takes_nothing_away(other):
    assert taken_by(other)

    with session_locks.held("one thing") as is_ours:
        assert not is_ours

    assert not session_locks.take("one thing")


def test_it_is_free_after_the_block_and_after_an_error(other):
    with pytest.raises(RuntimeError), session_locks.held("one thing"):
        raise RuntimeError

    assert taken_by(other)


def test_a_lost_connection_is_told_as_what_it_was_and_frees_the_name(other):
    with pytest.raises(OperationalError), session_locks.held("one thing"):
        lose_the_connection(other)

    database.close()
    assert taken_by(other)


def pid() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def lose_the_connection(other) -> None:
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid()])
    pid()
