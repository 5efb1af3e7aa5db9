"""SQL of migrations in files of its own, to be read: triggers, functions, options of tables."""

from __future__ import annotations

from pathlib import Path

from django.db.migrations import RunSQL

_ROOT = Path(__file__).resolve().parents[1]


def run_sql_file(app: str, name: str) -> RunSQL:
    """The operation that runs `<app>/migrations/sql/<name>`.

    A file is kept as the migration is that runs it: a change of a trigger is a new file, run by a
    new migration. The way back does nothing: triggers go with their table, and a file may be run
    again, as all that it makes is replaced.
    """
    return RunSQL(read_sql_file(app, name), RunSQL.noop)


def read_sql_file(app: str, name: str) -> str:
    """The text of `<app>/migrations/sql/<name>`."""
    return (_ROOT / app / "migrations" / "sql" / name).read_text(encoding="utf-8")
