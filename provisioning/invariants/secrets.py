"""Looking for texts that must be nowhere: every text and JSON column of every table of ours."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from psycopg2 import sql

from provisioning.invariants.rules import Finding

#: Seconds that reading one table may take.
TABLE_SECONDS = 300

_COLUMNS = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
      FROM information_schema.columns
     WHERE table_schema = current_schema()
       AND data_type IN ('text', 'character varying', 'character', 'json', 'jsonb', 'ARRAY')
     GROUP BY table_name ORDER BY table_name
"""


def check(canaries: Sequence[str]) -> list[Finding]:
    """Tell which tables hold one of the texts: passwords, tokens, keys that were used in a trial.

    They travel to the database as parameters: where it logs statements, use texts of a trial only.
    """
    if not canaries:
        return []
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        tables = cursor.fetchall()
    for table, columns in tables:
        if count := _count(table, columns, canaries):
            found.append(Finding("I13", f"a text that must be nowhere is in {table}", count))
    return found


def _count(table: str, columns: Sequence[str], canaries: Sequence[str]) -> int:
    texts = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    question = sql.SQL(
        "SELECT count(*) FROM {} t, unnest(%s::text[]) canary"
        " WHERE strpos(concat_ws(' ', {}), canary) > 0"
    ).format(sql.Identifier(table), texts)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [TABLE_SECONDS * 1000])
        cursor.execute(question, [list(canaries)])
        return int(cursor.fetchone()[0])
