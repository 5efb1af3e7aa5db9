"""The banner of every page while a rehearsal runs, and how it is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import clock
from partnerhub.celery import app
from partnerhub.rehearsal import status_cache, tasks
from partnerhub.rehearsal.simulator_client import Away
from partnerhub.rehearsal.simulator_types import Running

WORDS = "Rehearsal: A first day"


@pytest.fixture
def runs(fake, db) -> None:
    fake.scenario = {"name": "first-day", "title": "A first day"}
    tasks.look()


def banner(html: str) -> str:
    """The banner's text; empty when there is none."""
    _, found, rest = html.partition('role="status"><p>')
    return " ".join(rest.partition("</div>")[0].split()) if found else ""


@pytest.mark.parametrize("page", ["/", "/users/", "/jobs/", "/templates/", "/account/"])
def test_the_console_says_it(client_of, anna, runs, page):
    assert WORDS in banner(client_of(anna).get(page).text)


def test_the_poll_of_a_list_brings_it(client_of, anna, template, runs):
    assert WORDS in banner(client_of(anna).get("/users/live/").text)


@pytest.mark.parametrize("page", ["/login/", "/password/reset/", "/dev/mailbox/"])
def test_pages_without_a_sign_in_say_it(client, runs, page):
    assert WORDS in banner(client.get(page, headers={"accept-language": "en"}).text)


def test_django_admin_says_it_and_leads_to_the_page(browser, runs):
    for page in ("/admin/", "/admin/provisioning/job/", "/admin/rehearsal/"):
        said = banner(browser.get(page).text)
        assert WORDS in said
        assert "/admin/rehearsal/" in said


def test_the_portal_says_it_in_an_end_users_words(client, template, runs):
    page = client.get(template.activation_link, headers={"accept-language": "en"})

    assert banner(page.text).startswith("<b>This is a rehearsal.</b>")
    assert "A first day" not in page.text


def test_an_error_page_says_what_its_process_knows(client_of, anna, runs, monkeypatch):
    browser = client_of(anna)
    browser.raise_request_exception = False

    assert WORDS in banner(browser.get("/nothing-here/").text)
    monkeypatch.setattr(SessionStore, "load", broken)
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get("/settings/")
    assert answer.status_code == 503
    assert WORDS in banner(answer.text)
    assert len(asked) == 0


def broken(*args, **kwargs):
    raise OperationalError("away")


def test_faults_without_a_scenario_are_counted(client_of, anna, fake):
    fake.faults = [{"id": 1}, {"id": 2}]
    tasks.look()

    assert "Rehearsal: 2 faults" in banner(client_of(anna).get("/").text)


@pytest.mark.parametrize("minutes", [timedelta(minutes=5), timedelta(days=2)])
def test_the_end_is_told_where_it_is_known(client_of, anna, fake, minutes):
    ends_at = timezone.now() + minutes
    fake.answers["rehearsal"] = fake.get_rehearsal("", None) | {
        "running": True,
        "ends_at": ends_at.isoformat(),
    }
    tasks.look()

    local = timezone.localtime(ends_at)
    assert f"{local:%H:%M}" in banner(client_of(anna).get("/").text)


def test_no_rehearsal_no_banner(client_of, anna, fake):
    tasks.look()

    assert banner(client_of(anna).get("/").text) == ""


def test_a_change_on_the_page_is_known_at_once(browser, client_of, anna, runs):
    browser.post("/admin/rehearsal/end/")

    assert banner(client_of(anna).get("/").text) == ""


def test_a_simulator_that_is_away_leaves_what_was_known_for_a_minute(
    client_of, anna, fake, runs, monkeypatch
):
    fake.answers["rehearsal"] = Away("refused")

    tasks.look()
    assert WORDS in banner(client_of(anna).get("/").text)

    later = clock.now() + timedelta(seconds=status_cache.HOLDS + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert status_cache.current() is None


def test_an_older_answer_does_not_replace_a_newer_one(fake, runs):
    older = Running(False, "", None, None, ())

    status_cache._keep(older, timezone.now() - timedelta(seconds=1))

    assert status_cache.current() is not None


def test_a_process_asks_the_database_once_in_two_seconds(runs, monkeypatch):
    status_cache.forget()
    monkeypatch.setattr(status_cache, "FRESH", 2.0)

    with CaptureQueriesContext(connection) as asked:
        found = {status_cache.current() for _ in range(5)}

    assert len(asked) == 1
    assert {notice.title for notice in found if notice} == {"A first day"}


def test_without_a_control_token_nobody_is_asked(fake, runs, settings):
    settings.SIMULATOR_CONTROL_TOKEN = ""

    with CaptureQueriesContext(connection) as asked:
        tasks.look()
        assert (status_cache.current(), status_cache.last()) == (None, None)

    assert len(asked) == 0
    assert len(fake.made("GET", "rehearsal")) == 1


def test_a_cache_that_cannot_be_read_breaks_no_page(runs, monkeypatch):
    monkeypatch.setattr(cache, "get", broken)

    assert WORDS in banner(Client(headers={"accept-language": "en"}).get("/login/").text)


def test_beat_looks_every_ten_seconds_and_no_sync_stands_before_it():
    tick = app.conf.beat_schedule["rehearsal"]

    queue = app.amqp.router.route({}, tick["task"])["queue"]
    every = tick["schedule"].seconds
    assert (tick["task"], every, queue.name) == (tasks.look.name, 10.0, "provision")
    assert tick["task"] in app.tasks
