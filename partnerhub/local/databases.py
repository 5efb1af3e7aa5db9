"""The databases of one PostgreSQL server: their addresses, and making those that are missing."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql


def named(url: str, name: str) -> str:
    """Return `url` pointing at database `name` on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def ensure(url: str, name: str) -> str:
    """Create database `name` on the server of `url` unless it is there; return its own URL.

    Raises psycopg2.Error when the server refuses.
    """
    with closing(psycopg2.connect(named(url, urlsplit(url).path.strip("/") or "postgres"))) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return named(url, name)
