"""What the Rehearsal pages tell an operator who has little time."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from partnerhub.rehearsal.titles import TITLES, translated
from tests.rehearsal.test_page import PAGE, SCENARIO, fields

LOGIN = {
    "user_id": "45@x.example",
    "password": "pass-word",
    "expect": "200039",
    "email": "priya@elsewhere.example",
    "name": "Priya Raghunathan",
}
TITLE = "A bad night at the backend"


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def danish(ops) -> None:
    ops.language = "da"
    ops.save()


@pytest.fixture
def with_login(fake) -> None:
    fake.answers["scenarios/first-day"] = fake.post_scenarios("", None) | {"logins": [LOGIN]}


def line(**members) -> dict:
    whole = {"id": 7, "operation": "list", "status": 200, "answer": "sent", "user_id": ""}
    return whole | {"at": "2026-07-01T10:00:00.000Z", "effect": False} | members


def requests_of(html: str) -> str:
    return html.partition('id="requests"')[2].partition("</section>")[0]


# ---- What was started ----


def test_a_login_says_which_address_brings_what_is_expected(browser, fake, simulated, with_login):
    form = fields(browser.get(SCENARIO).text) | {"partner": simulated.pk, "pace": "1"}

    html = browser.post(SCENARIO, form, follow=True).text

    for words in ("priya@elsewhere.example", "Priya Raghunathan", "200039 · "):
        assert words in html
    assert "Address belongs to another organisation" in html


def test_the_command_says_it_too(fake, simulated, with_login, capsys):
    call_command("scenario", "first-day")

    said = capsys.readouterr().out
    assert "45@x.example  pass-word  priya@elsewhere.example  200039  Priya Raghunathan" in said


def test_what_was_started_can_be_read_again_while_it_runs(browser, fake, simulated):
    assert browser.get(f"{PAGE}started/").status_code == 404
    call_command("scenario", "first-day")

    assert f'href="{PAGE}started/"' in browser.get(PAGE).text
    assert "pass-word" in browser.get(f"{PAGE}started/").text

    fake.scenario = {"name": "another", "title": "Another"}
    assert f'href="{PAGE}started/"' not in browser.get(PAGE).text


def test_who_starts_one_is_told_what_runs(browser, fake, simulated):
    assert "runs now" not in browser.get(SCENARIO).text
    fake.scenario = {"name": "bad-night", "title": TITLE}
    browser.get(PAGE)

    assert f"{TITLE} runs now. Starting another scenario ends its faults" in text_of(
        browser.get(SCENARIO).text
    )


# ---- What runs ----


def test_the_times_of_faults_are_told_by_the_clock(browser, fake):
    now = timezone.now()
    times = {"starts_at": now + timedelta(minutes=2), "ends_at": now + timedelta(minutes=3)}
    later = {name: moment.isoformat() for name, moment in times.items()}
    fake.faults = [{"id": 1, "title": "Later"} | later, {"id": 2, "title": "Now"}]

    said = text_of(browser.get(PAGE).text)

    clock = {name: f"{timezone.localtime(moment):%H:%M:%S}" for name, moment in times.items()}
    assert f"from {clock['starts_at']} until {clock['ends_at']}" in said
    assert "in force until somebody stops it" in said


def test_hostile_options_are_shown_short_and_as_text(browser, fake):
    body = "<script>alert(1)</script>" + "x" * 10_000
    fake.faults = [{"id": 1, "title": "<b>T</b>", "options": {"body": body, "effect": False}}]

    html = browser.get(PAGE).text

    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert "<b>T</b>" not in html
    assert "effect: false" in html
    assert "x" * 200 not in html


# ---- The log and the judge ----


def test_reads_that_went_well_do_not_bury_the_others(browser, fake):
    told = [
        line(operation="provision", user_id="made@x.example", effect=True),
        line(status=429, fault="3 too_many {}", user_id="struck@x.example"),
        line(answer="not sent", user_id="lost@x.example"),
    ]
    fake.answers["requests"] = {"items": [line(user_id="well@x.example")] * 40 + told}

    html = requests_of(browser.get(PAGE).text)
    for user in ("made", "struck", "lost"):
        assert user in html
    assert "well@" not in text_of(html).replace(" @", "@")

    everything = requests_of(browser.get(f"{PAGE}?requests=all").text)
    assert "well@" in text_of(everything).replace(" @", "@")


def test_what_the_backend_did_by_itself_is_no_request(browser, fake):
    arrived = line(operation="control", effect=True, answer="unknown", user_id="45@new.example")
    fake.answers["requests"] = {"items": [arrived]}

    html = requests_of(browser.get(PAGE).text)

    assert "no request: the backend itself" in html
    assert "perhaps not sent" not in html


def test_the_judge_forgives_what_was_under_way(browser, fake):
    browser.get(PAGE)

    assert fake.made("GET", "judge?grace_ms=400") == [None]


# ---- Danish ----


def test_titles_are_danish_and_stories_are_marked_as_english(browser, fake, danish):
    fake.scenario = {"name": "bad-night", "title": TITLE}

    html = browser.get(PAGE).text

    assert "Øvelse: En slem nat hos backenden" in text_of(html)
    assert TITLE not in html
    assert '<p lang="en">Everybody is new.</p>' in html
    assert "på engelsk" in html


@pytest.mark.parametrize("title", ["", "Somebody else's own", "Retry activation"])
def test_a_title_that_is_not_the_simulators_stays(title, settings):
    assert title not in TITLES
    assert translated(title) == title


@pytest.mark.parametrize("pace", ["0,1", "0.1"])
def test_numbers_are_read_as_a_dane_writes_them(browser, fake, danish, simulated, pace):
    form = fields(browser.get(SCENARIO).text) | {"partner": simulated.pk, "pace": pace}

    assert browser.post(SCENARIO, form).status_code == 302
    body = fake.made("POST", "scenarios/first-day")[0]
    assert body is not None
    assert body["pace"] == 0.1
