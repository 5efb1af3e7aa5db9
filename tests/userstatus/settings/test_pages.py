"""Every console page answers everybody who may see it, empty and full, with a fixed query count."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.audit import record
from accounts.models import BackendConnection, Health
from provisioning.models import Heartbeat, StatusEvent
from provisioning.states import JobState, Status
from tests import factories
from userstatus.connection_texts import line_of

PAGES = ["overview", "settings", "people", "account", "templates", "jobs"]


@pytest.fixture
def full(partner, template, anna, bo):
    """A template with a user of every status, jobs, events and an audit trail."""
    for number, status in enumerate(Status.values):
        code = "200042" if status == Status.ERROR else ""
        user = factories.make_subscriber(template, status, error_code=code)
        state = JobState.values[number % len(JobState.values)]
        job = factories.make_job(user, state, requested_by=anna, finished_at=timezone.now())
        StatusEvent.objects.create(subscriber=user, cause="sync", what="status", after=status)
        StatusEvent.objects.create(
            subscriber=user, cause="administrator", what="requested", text="retry", job=job
        )
        record(factories.actor_of(anna), "subscriber.retry", user, partner=partner)
    Heartbeat.objects.create(name="worker", at=timezone.now())
    return template


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["anna", "bo", "rie"])
def test_every_page_answers_each_role_on_an_empty_partner(name, who, request, client_of, partner):
    person = request.getfixturevalue(who)

    answer = client_of(person).get(reverse(f"userstatus:{name}"))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["anna", "bo", "rie"])
def test_every_page_answers_each_role_on_a_full_partner(name, who, request, client_of, full):
    person = request.getfixturevalue(who)

    answer = client_of(person).get(reverse(f"userstatus:{name}"))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", [*PAGES, "detail"])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    name, full, anna, client_of, django_assert_max_num_queries
):
    url = full.get_absolute_url() if name == "detail" else reverse(f"userstatus:{name}")
    client = client_of(anna)
    few = _queries(client, url)
    for number in range(5):
        extra = factories.make_template(full.partner)
        for status in Status.values:
            user = factories.make_subscriber(extra, status, error_code=f"{number}")
            factories.make_job(user, JobState.FAILED, finished_at=timezone.now())
            record(factories.actor_of(anna), "subscriber.retry", user, partner=full.partner)
        factories.make_user(full.partner)

    many = _queries(client, url)

    assert many <= few


def test_the_page_of_a_user_asks_the_same_number_of_queries_for_a_long_history(
    full, anna, client_of
):
    user = full.subscribers.get(status=Status.ERROR)
    client = client_of(anna)
    few = _queries(client, user.get_absolute_url())
    for _number in range(20):
        job = factories.make_job(user, JobState.DONE, finished_at=timezone.now())
        StatusEvent.objects.create(
            subscriber=user, cause="administrator", what="requested", text="package", job=job
        )

    many = _queries(client, user.get_absolute_url())

    assert many <= few


def test_the_side_bar_counts_errors_and_unfinished_jobs(full, anna, client_of):
    text = client_of(anna).get("/account/").content.decode()

    assert re.search(r"SMB Denmark</span> <span class=\"count count-bad\">1<", text)
    assert re.search(r"Jobs <span class=\"count\">4<", text)
    assert "Webex answers in" in text


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "1 ms"), (7, "7 ms"), (999, "999 ms"), (1000, "1.0 s"), (12345, "12.3 s")]
)
def test_the_time_of_an_answer_is_told_in_a_unit_that_fits(ms, words):
    now = timezone.now()
    connection = BackendConnection(health=Health.OK, synced_at=now, answer_ms=ms)

    assert line_of(connection, now).text == f"Webex answers in {words}"


def _queries(client, url):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)
