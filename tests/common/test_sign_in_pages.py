from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User
from tests.mails import deliver

PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna@nordictel.example", PASSWORD, name="Anna Kofoed")


@pytest.mark.parametrize(
    "path",
    [
        "/login/",
        "/password/reset/",
        "/password/reset/done/",
        "/password/reset/key/1-nonsense/",
        "/password/reset/key/done/",
        "/inactive/",
        "/signup/",
    ],
)
def test_a_page_before_sign_in_has_one_heading_and_our_frame(client: Client, path: str) -> None:
    html = client.get(path).content.decode()

    assert html.count("<h1>") == 1
    assert '<main class="plain' in html
    assert 'lang="en"' in html


def test_sign_in_has_the_published_fields_and_button(client: Client) -> None:
    html = client.get("/login/").content.decode()

    labels = re.findall(r"<label[^>]*>([^<]+)</label>", html)
    assert labels[:2] == ["Email address", "Password"]
    assert re.findall(r"<button class=\"btn btn-primary[^>]*>([^<]+)<", html) == ["Sign in"]
    assert 'href="/password/reset/"' in html


def test_sign_in_speaks_the_language_that_was_chosen(client: Client) -> None:
    client.post("/language/", {"language": "da", "next": "/login/"})

    assert 'lang="da"' in client.get("/login/").content.decode()


def test_a_wrong_password_is_said_and_the_address_is_kept(client: Client, anna: User) -> None:
    answer = client.post("/login/", {"login": anna.email, "password": "wrong"})

    html = answer.content.decode()
    assert 'role="alert"' in html
    assert f'value="{anna.email}"' in html
    assert "wrong" not in html.replace("That was wrong", "")


def test_an_empty_form_gets_words_beside_the_fields(client: Client) -> None:
    html = client.post("/login/", {}).content.decode()

    assert "Enter your email address." in html
    assert "Enter your password." in html


def test_a_forgotten_password_can_be_replaced_by_the_mailed_link(
    client: Client, anna: User
) -> None:
    client.post("/password/reset/", {"email": anna.email})
    link = re.search(r"http://[^/]+(/password/reset/key/\S+)", deliver()[0].body)
    assert link
    page = client.get(link[1], follow=True)
    new = "several words in a row"

    answer = client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})

    assert answer["Location"] == "/password/reset/key/done/"
    anna.refresh_from_db()
    assert anna.check_password(new)


def test_an_unknown_address_gets_the_same_page(client: Client) -> None:
    answer = client.post("/password/reset/", {"email": "nobody@nordictel.example"})

    assert answer["Location"] == "/password/reset/done/"


def test_signing_out_asks_first(client: Client, anna: User) -> None:
    client.force_login(anna)

    html = client.get("/logout/").content.decode()
    client.post("/logout/")

    assert "Sign out?" in html
    assert "_auth_user_id" not in client.session
