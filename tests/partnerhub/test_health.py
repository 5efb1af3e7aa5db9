"""Ready is cheap, and only the database and its migrations can fail it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import BackendConnection
from partnerhub import health
from provisioning import selectors

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(health, "_seen_migrated", False)


def test_ready_looks_at_migrations_once(partner):
    first = Client().get("/readyz")
    with CaptureQueriesContext(connection) as asked:
        again = Client().get("/readyz")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["connections"][str(partner.uuid)]
    assert len(asked) <= 2


@pytest.mark.parametrize(
    ("seconds", "health_of_it", "state"),
    [(5, "ok", "ok"), (3600, "ok", "degraded"), (None, "ok", "degraded"), (5, "held", "degraded")],
)
def test_each_connection_tells_how_old_its_sync_is(partner, seconds, health_of_it, state):
    at = timezone.now() - timedelta(seconds=seconds) if seconds else None
    BackendConnection.objects.update(synced_at=at, health=health_of_it)

    told = Client().get("/readyz").json()["connections"][str(partner.uuid)]

    assert told["state"] == state
    assert told["synced_seconds_ago"] == (pytest.approx(seconds, abs=3) if seconds else None)


def test_redis_that_is_away_is_told_and_fails_nothing(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["redis"]) == (200, "degraded")


def test_a_database_that_is_away_is_not_ready(monkeypatch):
    def broken():
        raise OperationalError("x")

    monkeypatch.setattr(selectors, "heartbeats", broken)

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, "down")


def test_missing_migrations_are_not_ready(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'common'")
        names = [row[0] for row in cursor.fetchall()]
        cursor.execute("DELETE FROM django_migrations WHERE app = 'common'")
    try:
        answer = Client().get("/readyz")
    finally:
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(
                    "INSERT INTO django_migrations (app, name, applied) "
                    "VALUES ('common', %s, now())",
                    [name],
                )

    assert (answer.status_code, answer.json()["migrations"]) == (503, "missing")


def test_options_of_the_database_address_count(tmp_path):
    import os
    import subprocess
    import sys

    program = (
        "from partnerhub import settings;print(settings.DATABASES['default']['OPTIONS']['sslmode'])"
    )
    environment = os.environ | {"DATABASE_URL": "postgres://u@h/d?sslmode=verify-full"}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "verify-full"
