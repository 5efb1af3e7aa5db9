from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection
from django.utils import timezone

from provisioning.invariants import rows
from provisioning.models import Subscriber, UserText
from tests.factories import make_subscriber

migration = import_module("provisioning.migrations.0004_fold_anew")


@pytest.fixture
def folded_otherwise(template):
    """Users as an earlier folding left them."""
    for number in range(7):
        make_subscriber(template, broadworks_id=f"u{number}", last_name="Łukasz")
    make_subscriber(template, broadworks_id="gone", last_name="Šárka", deleted_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE provisioning_subscriber SET name_key = 'ł'")
        cursor.execute("UPDATE provisioning_usertext SET name_key = 'ł', text = 'łukasz'")
        cursor.execute("SET LOCAL session_replication_role = origin")


def broken() -> list[str]:
    with connection.cursor() as cursor:
        found = []
        for rule in rows.LISTS:
            cursor.execute(rule.sql)
            found += [rule.what for _ in cursor.fetchall()]
    return found


@pytest.mark.usefixtures("folded_otherwise")
def test_what_was_stored_is_folded_anew_in_pieces(monkeypatch):
    assert len(broken()) >= 7
    monkeypatch.setattr(migration, "PIECE", 2)

    migration.fold_anew(None, connection)

    assert broken() == []
    assert UserText.objects.filter(text__contains="lukasz").count() == 7
    assert not Subscriber.objects.filter(name_key__contains="ł").exists()
