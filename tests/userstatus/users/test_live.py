from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from provisioning.lists import live_changes
from provisioning.models import Subscriber
from provisioning.states import JobState, Status
from tests.factories import make_job, make_subscriber, make_template
from tests.userstatus.pages import ids
from userstatus.row_keys import short


@pytest.fixture
def path(template):
    return reverse("userstatus:users_live", args=[template.uuid])


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


def seen(page) -> str:
    """What a page's script would say that it shows."""
    rows = re.findall(r'<tr id="u(\w+)" data-state="([^"]+)"', page.content.decode())
    return "_".join(f"{key}-{state}" for key, state in rows)


@pytest.fixture
def shown(browser, template):
    """The rows of the page as it is now."""
    return lambda: seen(browser.get(reverse("userstatus:users", args=[template.uuid])))


def test_nothing_new_is_nearly_nothing(browser, path, template, shown):
    make_subscriber(template)

    answer = browser.get(path, {"rows": shown()})

    assert ids(answer) == []
    assert "data-answer" in answer.content.decode()
    assert "data-busy" not in answer.content.decode()


def test_a_changed_row_comes_and_no_other(browser, path, template, shown):
    changed = make_subscriber(template, Status.ERROR, broadworks_id="changed")
    make_subscriber(template, broadworks_id="same")
    rows = shown()
    changed.status, changed.version = Status.PROVISIONED, changed.version + 1
    changed.save()

    assert ids(browser.get(path, {"rows": rows})) == ["changed"]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.WAITING])
def test_a_change_of_its_job_is_a_change_of_the_row(browser, path, template, shown, state):
    subscriber = make_subscriber(template, Status.ERROR, broadworks_id="changed")
    rows = shown()
    make_job(subscriber, state)

    answer = browser.get(path, {"rows": rows})

    assert ids(answer) == ["changed"]
    assert "data-busy" in answer.content.decode()


def test_the_end_of_a_job_is_a_change_too(browser, path, template, shown):
    job = make_job(make_subscriber(template, Status.ERROR, broadworks_id="changed"))
    rows = shown()
    job.state, job.finished_at = JobState.FAILED, timezone.now()
    job.save()

    assert ids(browser.get(path, {"rows": rows})) == ["changed"]


def test_a_deleted_user_stays_and_says_so(browser, path, template, shown):
    gone = make_subscriber(template, broadworks_id="gone")
    rows = shown()
    Subscriber.objects.filter(pk=gone.pk).update(deleted_at=timezone.now(), version=9)

    answer = browser.get(path, {"rows": rows}).content.decode()

    assert 'class="is-going"' in answer
    assert "Deleted" in answer


def test_newcomers_are_counted_under_the_filter_and_not_sent(browser, path, template):
    old = make_subscriber(template)
    make_subscriber(template, Status.ERROR)
    make_subscriber(template, Status.PROVISIONED)

    answer = browser.get(path, {"since": short(old.pk), "status": "error"})

    assert 'data-arrived="1"' in answer.content.decode()
    assert ids(answer) == []


def test_the_counts_come_along(browser, path, template):
    make_subscriber(template, Status.ERROR)

    counts = re.findall(r'data-count="error">(\d+)<', browser.get(path).content.decode())

    assert counts == ["1"]


def test_no_other_template_and_no_other_partner_answers(browser, path, template, partner, carla):
    other = make_subscriber(make_template(partner), broadworks_id="other")
    theirs = make_subscriber(make_template(carla.partner), broadworks_id="theirs")

    rows = f"{short(other.pk)}-0._{short(theirs.pk)}-0."

    assert ids(browser.get(path, {"rows": rows})) == []
    assert ids(browser.get("/users/live/", {"rows": rows})) == ["other"]


def test_among_all_templates_a_changed_row_says_whose_it_is(browser, partner):
    changed = make_subscriber(make_template(partner, "Hotels"), broadworks_id="changed")

    answer = browser.get("/users/live/", {"rows": f"{short(changed.pk)}-0."}).content.decode()

    assert '<td class="cell-template"><bdi>Hotels</bdi>' in answer


@pytest.mark.parametrize(
    "rows", ["x", "-", "_", "zz-", "-zz", "zzzzzzzzzzzzzzz-1.", "٣-1.", "\0-1.", "1-" * 4000]
)
def test_odd_input_does_no_harm(browser, path, template, rows):
    make_subscriber(template)

    answer = browser.get(path, {"rows": rows, "since": rows, "sort": rows, "q": rows})

    assert answer.status_code == 200


def test_a_hundred_rows_fit_into_an_address(browser, template, path, shown):
    """The server refuses request lines beyond 8 kB; ids and versions of a grown table count."""
    for _ in range(100):
        make_subscriber(template, version=1_000_000)
    Subscriber.objects.update(id=F("id") + 10**12)
    page = browser.get(reverse("userstatus:users", args=[template.uuid]), {"per_page": 100})

    address = f"{path}?{urlencode({'rows': seen(page), 'since': short(10**13)})}"

    assert len(address) < 4000
    assert ids(browser.get(address)) == []


def test_signed_out_the_poll_is_sent_to_the_sign_in(path, template):
    answer = Client().get(path, headers={"HX-Request": "true"})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("times", [1, 60])
def test_nothing_new_takes_the_same_queries_whatever_the_rows(
    browser, path, template, shown, times, django_assert_max_num_queries
):
    newest = [make_subscriber(template) for _ in range(times)][-1]
    query = {"rows": shown(), "since": short(newest.pk)}
    browser.get(path, query)  # prepares statements

    # session, person, template, signs, newest, counts, sync; now and then the rehearsal
    with django_assert_max_num_queries(7 + 1):
        browser.get(path, query)


def test_rows_that_changed_take_three_queries_more(
    browser, path, template, shown, django_assert_max_num_queries
):
    newest = [make_subscriber(template) for _ in range(60)][-1]
    query = {"rows": shown(), "since": short(newest.pk)}
    Subscriber.objects.update(version=F("version") + 1)
    browser.get(path, query)

    with django_assert_max_num_queries(10 + 1):  # users, jobs, who has the same ID
        assert len(ids(browser.get(path, query))) == 50


def test_the_counts_of_a_search_come_only_with_news(browser, path, template):
    old = make_subscriber(template, Status.ERROR, broadworks_id="bo@x")
    query = {"q": "bo", "since": short(old.pk)}

    assert "data-count" not in browser.get(path, query).content.decode()

    make_subscriber(template, Status.ERROR, broadworks_id="bob@x")
    answer = browser.get(path, query).content.decode()

    assert 'data-arrived="1"' in answer
    assert 'data-count="error">2<' in answer


def test_a_status_that_nobody_has_any_more_is_told_as_0(browser, path, template):
    make_subscriber(template, Status.ERROR)

    answer = browser.get(path).content.decode()

    assert 'data-count="provisioned">0<' in answer
    assert 'data-count="">1<' in answer


def test_more_newcomers_than_are_counted_are_told_so(browser, path, template, monkeypatch):
    monkeypatch.setattr(live_changes, "MAX_ARRIVED", 2)
    old, *_new = [make_subscriber(template) for _ in range(4)]

    answer = browser.get(path, {"since": short(old.pk)}).content.decode()

    assert 'data-arrived="2" data-more' in answer
