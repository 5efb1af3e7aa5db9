"""Operations try a login on the page of a connection."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, BackendConnection, PasswordEncoding
from tests import factories
from tests.activation_portal.conftest import USER, broadworks_user
from tests.provisioning.rig import Rig

BERRY = "blåbær-2026"


@pytest.fixture
def browser(rig: Rig) -> Client:
    """Of operations; the simulated BroadWorks reads UTF-8."""
    rig.load(broadworks_users=[broadworks_user() | {"password": BERRY}])
    client = Client(headers={"accept-language": "en"})
    client.force_login(factories.make_user(None, email="ops@hub.example"))
    return client


def tried(browser: Client, rig: Rig, password: str) -> str:
    address = reverse("admin:accounts_backendconnection_login", args=[rig.connection.pk])
    return browser.post(address, {"user_id": USER, "password": password}).content.decode()


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        (PasswordEncoding.UTF_8, "in the encoding that is set"),
        (PasswordEncoding.LATIN_1, "BroadWorks reads it as UTF-8"),
    ],
)
def test_a_right_login_tells_in_which_encoding_it_is_read(browser, rig, encoding, words):
    BackendConnection.objects.update(password_encoding=encoding)

    assert words in tried(browser, rig, BERRY)


def test_a_wrong_login_is_told_and_counts_as_on_the_portal(browser, rig):
    assert "Wrong user ID or password" in tried(browser, rig, "wrong")
    tried(browser, rig, "wrong")

    assert "Portal closed for this user ID" in tried(browser, rig, BERRY)


def test_the_password_is_kept_nowhere(browser, rig):
    page = tried(browser, rig, BERRY)

    assert BERRY not in page
    event = AuditEvent.objects.get(action="connection.login")
    assert BERRY not in f"{event.before}{event.after}"
    assert USER in str(event.after)


def test_only_operations_get_there(rig):
    client = Client()
    client.force_login(rig.administrator)
    address = reverse("admin:accounts_backendconnection_login", args=[rig.connection.pk])

    assert client.get(address).status_code in {302, 403}
    assert b"BroadWorks user ID" not in client.get(address, follow=True).content
