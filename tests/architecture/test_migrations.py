"""Migrations make what the models say, and run every SQL file that stands beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import RunSQL

from tests.architecture import source

FILES = sorted(source.ROOT.glob("*/migrations/sql/*.sql"))
_TRIGGER = re.compile(r"^CREATE OR REPLACE TRIGGER (\w+) .* ON (\w+)$", re.MULTILINE)


def statements(app: Path) -> Iterator[str]:
    """What the migrations of an app run as SQL, forwards."""
    for path in sorted((app / "migrations").glob("0*.py")):
        module = import_module(f"{app.name}.migrations.{path.stem}")
        for operation in module.Migration.operations:
            if isinstance(operation, RunSQL):
                yield str(operation.sql)


def test_the_models_are_as_the_migrations_make_them(db: None) -> None:
    out = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)

    assert "No changes" in out.getvalue()


def test_there_are_files_to_look_at() -> None:
    assert {path.parts[-4] for path in FILES} == {"accounts", "provisioning", "simulator"}


@pytest.mark.parametrize("path", FILES, ids=source.name)
def test_an_sql_file_is_run_and_says_first_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text in list(statements(path.parents[2]))
    assert text.startswith("-- ")


def test_the_triggers_of_the_database_are_those_of_the_files(db: None) -> None:
    written = {
        found
        for path in FILES
        if path.parts[-4] != "simulator"
        for found in _TRIGGER.findall(path.read_text(encoding="utf-8"))
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        )
        made = set(cursor.fetchall())

    assert made == written != set()
