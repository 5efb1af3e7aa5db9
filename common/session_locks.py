"""Locks that a session of PostgreSQL holds by name, across transactions, until it lets them go.

They end with the process or its connection, so that nobody has to tidy up after the dead. A pooler
between us and PostgreSQL must keep sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection as database

#: How a name becomes PostgreSQL's number, also for those who look into pg_locks.
_TAKE = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_RELEASE = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Hold the lock for the block; False when somebody else has it, and nobody waits for it."""
    is_ours = take(name)
    try:
        yield is_ours
    finally:
        if is_ours:
            release(name)


def take(name: str) -> bool:
    """Take the lock; False when another session has it."""
    with database.cursor() as cursor:
        cursor.execute(_TAKE, [name])
        return bool(cursor.fetchone()[0])


def release(name: str) -> None:
    """Let the lock go. With a lost connection it is gone already: what broke it is what is told."""
    if database.is_usable():
        with database.cursor() as cursor:
            cursor.execute(_RELEASE, [name])
