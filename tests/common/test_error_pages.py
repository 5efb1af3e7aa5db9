"""A database that is away is 503 with words, wherever it was asked; our own fault is 500."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

PAGE = "/login/"


@pytest.fixture
def browser() -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "da"})
    client.cookies["session"] = "a" * 32
    return client


@pytest.mark.parametrize("error", [OperationalError("x"), InterfaceError("connection is closed")])
def test_a_database_that_is_away_in_middleware_is_503(db, browser, monkeypatch, error):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr(SessionStore, "load", broken)

    answer = browser.get("/settings/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Security-Policy"]
    assert 'lang="da"' in answer.text
    assert answer["X-Request-ID"] in answer.text


def test_the_503_page_asks_the_database_nothing(db, browser, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError("x")

    monkeypatch.setattr(SessionStore, "load", broken)

    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/settings/").status_code == 503

    assert len(asked) == 0


def test_a_fault_of_ours_is_500_without_a_trace(db, browser, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("secret words")

    monkeypatch.setattr(SessionStore, "load", broken)

    answer = browser.get("/settings/")

    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert answer["X-Request-ID"] in answer.text


def test_a_body_that_is_too_large_is_413(db, browser):
    answer = browser.post(PAGE, "x" * (1024 * 1024 + 1), "application/x-www-form-urlencoded")

    assert answer.status_code == 413


def test_too_many_fields_are_413(db, browser):
    answer = browser.post(PAGE, {f"f{n}": "x" for n in range(1001)})

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/healthz", "/nothing-here/"])
def test_a_request_without_a_session_asks_the_database_nothing(db, path):
    with CaptureQueriesContext(connection) as asked:
        Client().get(path)

    assert len(asked) == 0


def test_what_was_sent_while_the_database_was_away_is_sent_again_by_one_press(
    db, browser, monkeypatch
):
    def broken(*args, **kwargs):
        raise OperationalError("x")

    monkeypatch.setattr(SessionStore, "load", broken)
    given = {"name": "Ida", "email": "ida@n.example"}

    page = browser.post("/settings/people/new/", given, headers={"sec-fetch-site": "same-origin"})

    assert page.status_code == 503
    text = page.content.decode()
    assert 'action="/settings/people/new/"' in text
    assert 'name="email" value="ida@n.example"' in text
