"""The Rehearsal page of Django admin."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from partnerhub.rehearsal import views
from partnerhub.rehearsal.simulator_client import Away, Refused
from templates_app.models import OnboardingTemplate
from tests import factories
from tests.rehearsal.fake import KIND

PAGE = "/admin/rehearsal/"
SCENARIO = f"{PAGE}scenario/first-day/"
FAULT = f"{PAGE}fault/too_many/"


def fields(html: str) -> dict[str, str]:
    """The hidden form id, as a browser would send it back."""
    found = re.search(r'name="form_id" value="([0-9a-f]+)"', html)
    assert found
    return {"form_id": found[1]}


def fault_form(browser, **changes) -> dict:
    form = fields(browser.get(FAULT).text)
    form |= {"token_name": "*", "percent": "100", "count_by": "all"}
    form |= {"option_retry_after": "seconds", "option_seconds": "5", "option_share": "0.5"}
    return form | changes


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


# ---- Who, and whether at all ----


@pytest.mark.parametrize("missing", ["SIMULATOR_URL", "SIMULATOR_CONTROL_TOKEN"])
def test_there_is_no_page_and_no_link_without_a_simulator_to_steer(browser, settings, missing):
    setattr(settings, missing, "")

    assert browser.get(PAGE).status_code == 404
    assert PAGE not in browser.get("/admin/").text


def test_the_start_page_leads_to_it(browser, fake):
    assert PAGE in browser.get("/admin/").text


@pytest.mark.parametrize("who", ["anna", "bo", "rie"])
@pytest.mark.parametrize("page", [PAGE, SCENARIO, FAULT, f"{PAGE}stop/", f"{PAGE}end/"])
def test_administrators_of_partners_are_refused(request, client_of, fake, who, page):
    browser = client_of(request.getfixturevalue(who))

    assert browser.get(page, follow=True).status_code == 403
    assert browser.post(page, {"fault": "1"}, follow=True).status_code == 403
    assert fake.calls == []


def test_looking_at_an_address_of_a_change_changes_nothing(browser, fake):
    fake.faults = [{"id": 1, "kind": "x"}]

    assert browser.get(f"{PAGE}stop/").url == PAGE
    assert browser.get(f"{PAGE}end/").url == PAGE
    assert len(fake.faults) == 1


# ---- The page ----


def test_an_empty_page_says_so(browser, fake):
    html = browser.get(PAGE).text

    assert "Nothing: the backend behaves." in html
    assert "End rehearsal" not in html
    assert "A first day" in html
    assert "The list fills." in html
    assert "Too many requests" in html
    assert "Clean: nothing was done twice" in html


def test_what_runs_is_shown_with_what_it_did(browser, fake):
    fake.scenario = {"name": "first-day", "title": "A first day"}
    fake.faults = [
        {"id": 5, "title": "Everything down", "hits": 1234, "seed": "abc", "script": "x.x"}
    ]

    html = browser.get(PAGE).text

    for words in ("Everything down", "1,234", "abc", "x.x", "End rehearsal", 'value="5"'):
        assert words in html


def test_what_the_judge_found_is_said(browser, fake):
    case = {"user_id": "45@x.example", "lines": [3, 9]}
    fake.answers["judge"] = fake.get_judge("", None) | {
        "right": False,
        "doubled": {"count": 12, "items": [case]},
    }

    html = browser.get(PAGE).text

    assert "Look at this:" in html
    assert "45@x.example: #3, #9" in html


def test_a_simulator_that_is_away_is_said_and_no_error(browser):
    answer = browser.get(PAGE)

    assert answer.status_code == 200
    assert "does not answer (refused)" in answer.text


@pytest.mark.parametrize("part", ["kinds", "scenarios", "judge", "requests"])
@pytest.mark.parametrize("trouble", [Away("timeout"), Refused(405, "method not allowed"), {}])
def test_a_part_that_cannot_be_had_leaves_the_others(browser, fake, part, trouble):
    fake.answers[part] = trouble

    answer = browser.get(PAGE)

    assert answer.status_code == 200
    assert "Nothing: the backend behaves." in answer.text
    assert answer.text.count('<p class="note is-bad">') == 1


# ---- Scenarios ----


def test_a_scenario_is_started_for_a_partner(browser, fake, simulated, hints, ops):
    form = fields(browser.get(SCENARIO).text)

    answer = browser.post(
        SCENARIO, form | {"partner": simulated.pk, "pace": "0.5", "seed": "s1"}, follow=True
    )

    template = OnboardingTemplate.objects.get(name="A first day")
    body = fake.made("POST", "scenarios/first-day")[0]
    assert body == {
        "token": "token-of-a-test",
        "provisioning_id": template.provisioning_id,
        "pace": 0.5,
        "seed": "s1",
    }
    assert (template.untrusted_emails, template.provision_admin_first) == (False, True)
    assert template.share_link == template.activation_link
    for words in (template.activation_link, "45@x.example", "pass-word"):
        assert words in answer.text
    event = AuditEvent.objects.get(action="rehearsal.start")
    assert (event.actor, event.partner, event.object_id) == (ops, simulated, "first-day")
    assert "token-of-a-test" not in str(list(AuditEvent.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_a_sync_follows_and_a_repeat_reads_everything_again(browser, fake, simulated, hints):
    for _ in range(2):
        form = fields(browser.get(SCENARIO).text)
        browser.post(SCENARIO, form | {"partner": simulated.pk, "pace": "1"})

    assert [hint["task"] for hint in hints] == [
        "provisioning.sync",
        "provisioning.sync",
        "provisioning.full_pass",
    ]
    assert OnboardingTemplate.objects.count() == 1


def test_a_template_that_was_renamed_is_taken_again(browser, fake, simulated):
    for _ in range(2):
        form = fields(browser.get(SCENARIO).text)
        answer = browser.post(SCENARIO, form | {"partner": simulated.pk, "pace": "1"})
        assert answer.status_code == 302
        OnboardingTemplate.objects.update(name="Renamed")

    assert OnboardingTemplate.objects.count() == 1


def test_two_starts_at_the_same_moment_end_with_words(browser, fake, simulated, monkeypatch):
    form = fields(browser.get(SCENARIO).text) | {"partner": simulated.pk, "pace": "1"}
    made = fake.post_scenarios

    def meanwhile(path, body):
        factories.make_template(simulated, "A first day", share_link="x")
        return made(path, body)

    monkeypatch.setattr(fake, "post_scenarios", meanwhile)

    answer = browser.post(SCENARIO, form)

    assert answer.status_code == 422
    assert "Somebody started the same" in answer.text


def test_a_form_that_is_sent_twice_starts_once(browser, fake, simulated):
    form = fields(browser.get(SCENARIO).text) | {"partner": simulated.pk, "pace": "1"}

    first, second = browser.post(SCENARIO, form), browser.post(SCENARIO, form)

    assert first.url == second.url
    assert len(fake.made("POST", "scenarios/")) == 1
    done = browser.get(second.url)
    assert "pass-word" in done.text
    assert "Refresh" not in done


def test_who_pressed_twice_is_taken_along_once_the_first_press_is_done(browser, fake, simulated):
    form = fields(browser.get(SCENARIO).text) | {"partner": simulated.pk, "pace": "1"}
    views._first_time(form["form_id"].replace("-", ""))  # the first press, under way

    waiting = browser.get(browser.post(SCENARIO, form).url)

    assert "It is being started" in waiting.text
    assert waiting["Refresh"] == "2"


def test_a_refusal_keeps_what_was_typed_and_the_form_can_be_sent_again(browser, fake, simulated):
    form = fields(browser.get(SCENARIO).text)
    form |= {"partner": simulated.pk, "pace": "3", "seed": "my seed"}
    fake.answers["scenarios/first-day"] = Refused(400, "no such token")

    refused = browser.post(SCENARIO, form)
    del fake.answers["scenarios/first-day"]
    again = browser.post(SCENARIO, form)

    assert refused.status_code == 422
    assert "no such token" in refused.text
    assert 'value="my seed"' in refused.text
    assert again.status_code == 302
    assert actions().count("rehearsal.start") == 1


def test_an_answer_that_got_lost_is_on_the_record(browser, fake, simulated):
    form = fields(browser.get(SCENARIO).text) | {"partner": simulated.pk, "pace": "1"}
    fake.answers["scenarios/first-day"] = Away("timeout", maybe_done=True)

    answer = browser.post(SCENARIO, form)

    assert "it may have done it" in answer.text
    assert AuditEvent.objects.get(action="rehearsal.start").after["outcome"] == "unknown"


def test_only_partners_of_the_simulator_can_be_chosen(browser, fake, simulated, carla):
    connection = carla.partner.connection
    connection.api_base_url = "https://webexapis.com/v1"
    connection.save()
    form = fields(browser.get(SCENARIO).text)

    answer = browser.post(SCENARIO, form | {"partner": carla.partner_id, "pace": "1"})

    assert answer.status_code == 422
    assert fake.made("POST", "scenarios/") == []


def test_without_such_a_partner_the_page_says_what_to_do(browser, fake, partner):
    partner.connection.api_base_url = "https://webexapis.com/v1"
    partner.connection.save()

    assert "No partner is connected to the simulator" in browser.get(SCENARIO).text


@pytest.mark.parametrize("address", ["scenario/none-such/", "fault/none-such/", "started/0/"])
def test_what_does_not_exist_is_404(browser, fake, address):
    assert browser.get(PAGE + address).status_code == 404


# ---- Faults ----


def test_a_fault_is_added_with_the_options_of_its_kind(browser, fake, simulated, ops):
    form = fault_form(
        browser,
        token_name="Nordictel",
        operation=["provision"],
        percent="25",
        script="x..",
        times="3",
        for_seconds="60",
        seed="s",
        option_retry_after="malformed",
        option_late="on",
        option_body='{"a": 1}',
    )

    answer = browser.post(FAULT, form, follow=True)

    assert fake.made("POST", "faults") == [
        {
            "kind": "too_many",
            "token_name": "Nordictel",
            "operation": "provision",
            "probability": 0.25,
            "count_by": "all",
            "script": "x..",
            "times": 3,
            "for_seconds": 60.0,
            "seed": "s",
            "retry_after": "malformed",
            "late": True,
            "body": {"a": 1},
        }
    ]
    assert "From now on: Too many requests." in answer.text
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.object_id) == ("rehearsal.fault", ops, "too_many")


def test_every_option_has_a_field_with_its_words(browser, fake):
    html = browser.get(FAULT).text

    for name, option in KIND["options"].items():
        assert f'name="option_{name}"' in html
        assert option["description"] in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"percent": "0"}, "greater than or equal to 0.01"),
        ({"script": "xyz"}, "Use only x and dots"),
        ({"script": "..."}, "Without an x"),
        ({"operation": ["login"]}, "not one of the available choices"),
        ({"option_retry_after": "odd"}, "not one of the available choices"),
        ({"option_seconds": "many"}, "whole number"),
        ({"times": "0"}, "greater than or equal to 1"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(browser, fake, changes, words):
    answer = browser.post(FAULT, fault_form(browser, contains="keep me") | changes)

    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="keep me"' in answer.text
    assert fake.made("POST", "faults") == []


def test_a_fault_sent_twice_is_added_once(browser, fake):
    form = fault_form(browser)

    browser.post(FAULT, form)
    browser.post(FAULT, form)

    assert len(fake.faults) == 1


def test_a_fault_can_be_stopped_and_stopping_it_again_is_harmless(browser, fake, ops):
    fake.faults = [{"id": 7, "kind": "x"}, {"id": 8, "kind": "y"}]

    for _ in range(2):
        answer = browser.post(f"{PAGE}stop/", {"fault": "7"}, follow=True)

    assert "That fault is over." in answer.text
    assert [fault["id"] for fault in fake.faults] == [8]
    assert set(actions()) == {"rehearsal.stop"}


@pytest.mark.parametrize("number", ["", "x", "-1", "٣", "1" * 400])
def test_a_fault_without_a_number_is_asked_for(browser, fake, number):
    answer = browser.post(f"{PAGE}stop/", {"fault": number}, follow=True)

    assert "Choose the fault" in answer.text


def test_the_whole_rehearsal_can_be_ended(browser, fake):
    fake.faults = [{"id": 7, "kind": "x"}]
    fake.scenario = {"name": "first-day", "title": "A first day"}

    answer = browser.post(f"{PAGE}end/", follow=True)

    assert (fake.faults, fake.scenario) == ([], None)
    assert "The rehearsal is over" in answer.text
    assert actions() == ["rehearsal.end"]


@pytest.mark.parametrize("what", ["stop/", "end/", "fault/too_many/", "scenario/first-day/"])
def test_a_simulator_that_is_away_breaks_no_change(browser, what):
    answer = browser.post(PAGE + what, {"fault": "1"}, follow=True)

    assert answer.status_code == 200
    assert "does not answer" in answer.text or "No usable answer" in answer.text


def test_it_speaks_danish(browser, fake, ops):
    ops.language = "da"
    ops.save()

    html = browser.get(PAGE).text

    assert "Kører nu" in html
    assert "Running now" not in html


def test_its_addresses_have_names():
    assert reverse("admin:rehearsal") == PAGE
