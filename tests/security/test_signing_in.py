"""Signing in as ASVS 6 wants it: closed to strangers, hard to guess, impossible to block."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import Resolver404, resolve

from accounts import adapter
from accounts.models import User
from accounts.rights import Role
from partnerhub.celery import app as celery_app
from tests import factories
from tests.mails import deliver

PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    """Argon2 is right, and too slow to be tried forty times."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def known() -> User:
    partner = factories.make_partner("Nordictel")
    anna = factories.make_user(partner, Role.FULL, "anna@nordictel.example", name="Anna Kofoed")
    anna.set_password(PASSWORD)
    anna.save()
    return anna


def sign_in(client: Client, email: str, password: str, ip: str = "192.0.2.1", **more: Any) -> Any:
    form = {"login": email, "password": password, **more}
    return client.post("/login/", form, REMOTE_ADDR=ip)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# ---- Sign-up ----


@pytest.mark.parametrize("email", ["new@hub.example", "anna@nordictel.example"])
def test_nobody_can_sign_up(client: Client, known: User, email: str) -> None:
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD, "username": "new"}

    page, posted = client.get("/signup/"), client.post("/signup/", form)

    assert b"password1" not in page.content
    assert posted.status_code in {200, 403}
    assert User.objects.count() == 1
    assert not is_in(client)
    assert mail.outbox == []


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/signup/",
        "/accounts/login/",
        "/accounts/social/signup/",
        "/signup/passkey/",
        "/email/",
        "/confirm-email/",
        "/confirm-email/abc/",
        "/reauthenticate/",
        "/login/code/",
        "/login/code/confirm/",
        "/_allauth/browser/v1/config",
        "/3rdparty/",
    ],
)
def test_what_allauth_has_and_we_do_not_use_is_not_routed(path: str) -> None:
    with pytest.raises(Resolver404):
        resolve(path)


# ---- Guessing ----


def test_wrong_tries_from_one_address_end_there(client: Client, known: User) -> None:
    for _ in range(adapter.WRONG_TRIES.count):
        sign_in(client, known.email, "wrong")

    answer = sign_in(client, known.email, PASSWORD)

    assert not is_in(client)
    assert b"Too many" in answer.content


def test_wrong_tries_elsewhere_never_lock_an_account(client: Client, known: User) -> None:
    for number in range(30):
        sign_in(Client(), known.email, "wrong", ip=f"198.51.100.{number}")
    for _ in range(adapter.WRONG_TRIES.count + 2):
        sign_in(Client(), known.email, "wrong", ip="203.0.113.9")

    sign_in(client, known.email, PASSWORD, ip="192.0.2.7")

    assert is_in(client)


def test_an_ipv6_customer_has_one_count_for_the_whole_network(client: Client, known: User) -> None:
    for number in range(adapter.WRONG_TRIES.count):
        sign_in(client, known.email, "wrong", ip=f"2001:db8:0:1::{number + 1:x}")

    sign_in(client, known.email, PASSWORD, ip="2001:db8:0:1:ffff::1")

    assert not is_in(client)


def test_a_spoofed_forwarded_header_gives_no_new_tries(client: Client, known: User) -> None:
    form = {"login": known.email, "password": "wrong"}
    for number in range(adapter.WRONG_TRIES.count):
        client.post(
            "/login/",
            form,
            REMOTE_ADDR="192.0.2.1",
            headers={"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": "198.51.100.9"},
        )

    sign_in(client, known.email, PASSWORD)

    assert not is_in(client)


def test_a_success_forgets_the_wrong_tries(client: Client, known: User) -> None:
    for _ in range(2):
        for _ in range(adapter.WRONG_TRIES.count - 1):
            sign_in(Client(), known.email, "wrong")
        sign_in(client, known.email, PASSWORD)

    assert is_in(client)


def test_signing_in_needs_no_redis(
    client: Client, known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    sign_in(client, known.email, PASSWORD)

    assert is_in(client)
    assert client.get("/").status_code == 200


def test_an_emptied_cache_signs_nobody_out_and_forgets_no_tries(
    client: Client, known: User
) -> None:
    sign_in(client, known.email, PASSWORD)
    for _ in range(adapter.WRONG_TRIES.count):
        sign_in(Client(), known.email, "wrong", ip="203.0.113.9")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cache")

    guessing = Client()
    sign_in(guessing, known.email, PASSWORD, ip="203.0.113.9")

    assert client.get("/").status_code == 200
    assert not is_in(guessing)


# ---- Who exists ----


def words(answer: Any) -> str:
    """A page without its tokens, ids and what was typed."""
    text = re.sub(r"\b[0-9a-f]{16}\b|\b[A-Za-z0-9]{64}\b", "-", answer.content.decode())
    text = re.sub(r'data-now="[^"]+"', "", text)
    return re.sub(r"[\w.]+@[\w.]+", "-", text)


def test_a_wrong_password_and_an_unknown_address_look_alike(known: User) -> None:
    wrong = sign_in(Client(), known.email, "wrong")
    unknown = sign_in(Client(), "none@nordictel.example", "wrong")

    assert wrong.status_code == unknown.status_code
    assert words(wrong) == words(unknown)


def test_a_closed_account_with_a_wrong_password_looks_like_an_unknown_address(
    known: User,
) -> None:
    User.objects.update(is_active=False)

    wrong = sign_in(Client(), known.email, "wrong")
    unknown = sign_in(Client(), "none@nordictel.example", "wrong")

    assert words(wrong) == words(unknown)


def test_a_forgotten_password_answers_alike_for_known_and_unknown(known: User) -> None:
    pages = []
    for email in (known.email, "none@nordictel.example"):
        client = Client()
        first = client.post("/password/reset/", {"email": email})
        pages.append((first.status_code, first["Location"], words(client.get(first["Location"]))))

    assert pages[0] == pages[1]


# ---- The session ----


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "/\t/evil.example",
        "https://testserver@evil.example/",
        "%2F%2Fevil.example",
    ],
)
def test_signing_in_leads_to_no_other_site(client: Client, known: User, target: str) -> None:
    for answer in (
        client.post(f"/login/?next={target}", {"login": known.email, "password": PASSWORD}),
        sign_in(Client(), known.email, PASSWORD, next=target),
        client.post("/logout/", {"next": target}),
        Client().post("/language/", {"language": "da", "next": target}),
    ):
        place = answer.headers.get("Location", "/")
        # As a browser reads it: backslashes are slashes, tabs and line ends are nothing.
        read = re.sub(r"[\t\r\n]", "", place).replace("\\", "/")
        assert urljoin("http://testserver/x/", read).startswith("http://testserver/"), place


def test_signing_in_leads_back_to_the_page_that_was_asked_for(client: Client, known: User) -> None:
    answer = sign_in(client, known.email, PASSWORD, next="/jobs/?state=failed")

    assert answer["Location"] == "/jobs/?state=failed"


def test_the_session_and_the_token_change_at_sign_in(client: Client, known: User) -> None:
    client.get("/login/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["session"] = session.session_key
    token = client.cookies["csrf"].value

    sign_in(client, known.email, PASSWORD)

    assert client.cookies["session"].value != session.session_key
    assert client.cookies["csrf"].value != token
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_a_planted_session_key_is_not_taken_over(client: Client, known: User) -> None:
    client.cookies["session"] = "a" * 32

    sign_in(client, known.email, PASSWORD)

    assert client.cookies["session"].value != "a" * 32


def test_signing_out_ends_the_session_on_the_server(client: Client, known: User) -> None:
    sign_in(client, known.email, PASSWORD)
    stolen = client.cookies["session"].value

    client.post("/logout/")

    client.cookies["session"] = stolen
    assert client.get("/")["Location"].startswith("/login/")


def test_getting_the_sign_out_page_signs_nobody_out(client: Client, known: User) -> None:
    sign_in(client, known.email, PASSWORD)

    client.get("/logout/")

    assert client.get("/").status_code == 200


def test_a_closed_account_is_out_at_its_next_request(client: Client, known: User) -> None:
    sign_in(client, known.email, PASSWORD)
    User.objects.update(is_active=False)

    assert client.get("/")["Location"].startswith("/login/")


def test_a_lower_role_counts_at_the_next_request(client: Client, known: User) -> None:
    sign_in(client, known.email, PASSWORD)
    User.objects.update(role=Role.READ_ONLY)

    assert client.get("/templates/new/").status_code in {302, 403}


def test_a_new_password_ends_the_other_sessions(client: Client, known: User) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        sign_in(browser, known.email, PASSWORD)
    new = "several words in a row"

    answer = client.post(
        "/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )

    assert answer.status_code == 302
    assert client.get("/").status_code == 200
    assert elsewhere.get("/")["Location"].startswith("/login/")


def test_a_password_link_works_once(client: Client, known: User) -> None:
    client.post("/password/reset/", {"email": known.email})
    link = re.search(r"http://[^/]+(/password/reset/key/\S+)", str(deliver()[0].body))
    assert link
    new = "several words in a row"
    page = client.get(link[1], follow=True)
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})

    again = Client().get(link[1], follow=True)

    assert b'name="password1"' not in again.content


def test_a_password_link_is_never_built_from_the_host_header(client: Client, known: User) -> None:
    client.post("/password/reset/", {"email": known.email}, headers={"host": "localhost"})

    [message] = deliver()
    assert "http://testserver/" in str(message.body)
    assert "localhost" not in str(message.body)


@pytest.mark.parametrize("password", ["short", "1q2w3e4r5t6y", "anna@nordictel.example", "p" * 11])
def test_a_weak_password_is_refused(client: Client, known: User, password: str) -> None:
    sign_in(client, known.email, PASSWORD)

    client.post(
        "/password/change/",
        {"oldpassword": PASSWORD, "password1": password, "password2": password},
    )

    known.refresh_from_db()
    assert known.check_password(PASSWORD)
