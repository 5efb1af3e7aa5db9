"""Links to set a password: mailed by the queue, and good for a while."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.test import Client

from accounts.models import User
from accounts.password_links import TokenGenerator
from accounts.rights import Role
from provisioning.models import Mail
from tests.factories import make_partner
from tests.mails import deliver

pytestmark = pytest.mark.django_db
ASK = "/password/reset/"


@pytest.fixture
def anna() -> User:
    partner = make_partner("Nordictel")
    return User.objects.create_user(
        "anna@nordictel.example", "a-long-old-word-1", partner=partner, role=Role.FULL, name="Anna"
    )


def link_in(message) -> str:
    found = re.search(r"http://[^/]+(/password/reset/key/\S+)", str(message.body))
    assert found
    return found[1]


def form_is_shown(link: str) -> bool:
    return b'name="password1"' in Client().get(link, follow=True).content


def later(monkeypatch, **by: float) -> None:
    right = PasswordResetTokenGenerator._now
    monkeypatch.setattr(TokenGenerator, "_now", lambda self: right(self) + timedelta(**by))


def test_asking_waits_for_no_mail_server_and_looks_nobody_up(client):
    client.post(ASK, {"email": "nobody@nordictel.example"})
    unknown = Mail.objects.get()

    assert (unknown.state, mail.outbox) == ("queued", [])


def test_an_address_that_is_nobodys_gets_no_mail_and_is_forgotten(client):
    client.post(ASK, {"email": "nobody@nordictel.example"})

    assert deliver() == []
    assert not Mail.objects.exists()


def test_a_closed_account_gets_no_mail(client, anna):
    User.objects.update(is_active=False)

    client.post(ASK, {"email": anna.email})

    assert deliver() == []


def test_the_link_of_an_account_that_was_closed_meanwhile_opens_no_form(client, anna):
    client.post(ASK, {"email": anna.email})
    link = link_in(deliver()[0])

    User.objects.update(is_active=False)

    assert not form_is_shown(link)


def test_a_link_for_a_new_password_is_good_for_an_hour(client, anna, monkeypatch):
    client.post(ASK, {"email": anna.email})
    link = link_in(deliver()[0])

    later(monkeypatch, minutes=59)
    assert form_is_shown(link)
    later(monkeypatch, minutes=61)
    assert not form_is_shown(link)


def test_a_new_persons_first_link_is_good_for_a_week(client, anna, monkeypatch):
    anna.set_unusable_password()
    anna.save()
    client.post(ASK, {"email": anna.email})
    [message] = deliver()

    assert "you have become an administrator of Nordictel" in message.body
    later(monkeypatch, days=6)
    assert form_is_shown(link_in(message))
    later(monkeypatch, days=8)
    assert not form_is_shown(link_in(message))


def test_the_mail_is_in_the_language_of_the_person_or_of_the_page(client, anna):
    client.post(ASK, {"email": anna.email}, headers={"accept-language": "da"})
    assert 'lang="da"' in deliver()[-1].alternatives[0].content

    User.objects.update(language="en")
    client.post(ASK, {"email": anna.email}, headers={"accept-language": "da"})
    assert 'lang="en"' in deliver()[-1].alternatives[0].content


def test_asking_twice_before_the_first_is_sent_sends_one(client, anna):
    client.post(ASK, {"email": anna.email})
    client.post(ASK, {"email": anna.email})

    assert len(deliver()) == 1
