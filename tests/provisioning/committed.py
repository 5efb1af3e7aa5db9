"""What is committed in our tables, as everybody else sees it: over a second connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2
from django.db import connection


@dataclass
class Intent:
    """What our tables say, committed, about a request that has just arrived."""

    job_id: int
    step: str
    body_hash: str


class Intents:
    """Our tables as everybody else sees them: over a second connection, only what is committed."""

    def __init__(self) -> None:
        values = connection.get_connection_params()
        names = ("host", "port", "user", "password", "dbname", "database")
        self.other = psycopg2.connect(**{name: values[name] for name in names if name in values})
        self.other.autocommit = True

    def of(self, user_id: str) -> Intent | None:
        """The job of a user that is being sent."""
        row = self._one(
            "SELECT id, step, intent_hash FROM provisioning_job WHERE broadworks_id = %s"
            " AND state = 'sending' AND intent_at IS NOT NULL AND lease_until IS NOT NULL",
            user_id,
        )
        return Intent(*row) if row else None

    def user_of(self, subscriber_id: str) -> str:
        row = self._one(
            "SELECT broadworks_id FROM provisioning_subscriber WHERE webex_id = %s", subscriber_id
        )
        return row[0] if row else ""

    def _one(self, sql: str, value: str) -> tuple[Any, ...] | None:
        with self.other.cursor() as cursor:
            cursor.execute(sql, [value])
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found

    def close(self) -> None:
        self.other.close()
