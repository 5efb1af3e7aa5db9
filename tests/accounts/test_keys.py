from __future__ import annotations

import base64
import os

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, BackendConnection, Partner


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def connection(db) -> BackendConnection:
    made = BackendConnection.objects.create(
        partner=Partner.objects.create(name="Nordictel"),
        api_base_url="https://webexapis.com/v1",
        xsi_base_url="https://xsp.nordictel.example",
    )
    made.set_token("secret-token-1234")
    made.save()
    return made


def test_rotating_seals_with_the_newest_key_and_the_old_one_may_go(connection, settings):
    old, new = settings.TOKEN_KEYS[0], key("new")
    settings.TOKEN_KEYS = [new, old]

    call_command("rotate_keys")

    settings.TOKEN_KEYS = [new]
    connection.refresh_from_db()
    assert connection.token == "secret-token-1234"
    assert connection.token_sealed.startswith("new:")
    assert AuditEvent.objects.filter(action="connection.rotate_key").count() == 1


def test_rotating_twice_changes_nothing_more(connection):
    before = connection.token_sealed

    call_command("rotate_keys")

    connection.refresh_from_db()
    assert connection.token_sealed == before


def test_a_token_whose_key_is_lost_is_named(connection, settings):
    settings.TOKEN_KEYS = [key("other")]

    with pytest.raises(CommandError, match="Nordictel"):
        call_command("rotate_keys")


def test_a_sealed_token_cannot_be_moved_to_another_row(connection):
    other = BackendConnection.objects.create(
        partner=Partner.objects.create(name="Iberfone"), xsi_base_url="https://x.example"
    )
    other.token_sealed = connection.token_sealed

    with pytest.raises(Exception, match="sealed for another row"):
        _ = other.token
