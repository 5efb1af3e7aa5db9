"""The list of batches and jobs, and one job."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from provisioning.models import Heartbeat, Job, JobEvent
from provisioning.states import TRANSITIONS, JobState
from tests import factories
from tests.userstatus.pages import link, words
from userstatus.jobs import history as job_history


def url(name, job):
    return reverse(f"userstatus:{name}", args=[job.uuid])


@pytest.fixture
def user(template):
    return factories.make_subscriber(template, "error")


def rows(answer):
    return [line.work for line in answer.context["page"].lines]


def test_the_filters_show_exactly_those_jobs(user, anna, bo, client_of):
    mine = factories.make_job(user, JobState.FAILED, requested_by=anna)
    theirs = factories.make_job(user, JobState.FAILED, requested_by=bo)
    queued = factories.make_job(user, JobState.QUEUED, requested_by=bo)
    client = client_of(anna)

    assert rows(client.get("/jobs/")) == [queued, theirs, mine]
    assert rows(client.get("/jobs/?state=failed")) == [theirs, mine]
    assert rows(client.get("/jobs/?state=failed&mine=on")) == [mine]
    assert rows(client.get("/jobs/?state=unfinished")) == [queued]


def test_a_batch_is_one_line_among_the_single_jobs(user, template, anna, client_of):
    now = timezone.now()
    older = factories.make_job(user, JobState.DONE, now=now - timedelta(minutes=2))
    batch = factories.make_batch(template, total=2, now=now - timedelta(minutes=1))
    newer = factories.make_job(user, JobState.DONE, now=now)
    for _number in range(2):
        factories.make_job(factories.make_subscriber(template), batch=batch, now=now)

    answer = client_of(anna).get("/jobs/")

    assert rows(answer) == [newer, batch, older]
    assert "2 users, SMB Denmark" in words(answer)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("unfinished", {"running", "failing"}),
        ("failed", {"failed", "failing"}),
        ("done", {"done"}),
        ("cancelled", {"cancelled"}),
    ],
)
def test_the_filters_know_batches(state, names, template, anna, client_of):
    now = timezone.now()
    made = {
        "running": factories.make_batch(template),
        "failing": factories.make_batch(template),
        "failed": factories.make_batch(template, finished_at=now),
        "done": factories.make_batch(template, finished_at=now),
        "cancelled": factories.make_batch(template, finished_at=now, cancelled_at=now),
    }
    for name in ("failing", "failed"):
        row = factories.make_subscriber(template)
        factories.make_job(row, JobState.FAILED, batch=made[name])

    found = rows(client_of(anna).get(f"/jobs/?state={state}"))

    assert {name for name, batch in made.items() if batch in found} == names


def test_batches_and_jobs_of_one_moment_are_each_on_one_page(user, template, anna, client_of):
    same = timezone.now()
    made = [factories.make_job(user, JobState.DONE, now=same) for _number in range(30)]
    made += [factories.make_batch(template, now=same, finished_at=same) for _number in range(75)]
    client, url, shown = client_of(anna), "/jobs/", []

    while url:
        answer = client.get(url)
        shown += rows(answer)
        url = answer.context["page"].older and f"/jobs/?{answer.context['older_query']}"

    assert len(shown) == len(made)
    assert set(shown) == set(made)


def test_the_list_takes_the_same_queries_for_one_batch_as_for_forty(
    template, anna, client_of, django_assert_max_num_queries
):
    client = client_of(anna)
    factories.make_batch(template, total=1)
    with CaptureQueriesContext(connection) as one:
        client.get("/jobs/")
    for _number in range(39):
        batch = factories.make_batch(template, total=1)
        factories.make_job(factories.make_subscriber(template), batch=batch)

    with django_assert_max_num_queries(len(one)):
        client.get("/jobs/")


def test_pages_of_fifty_go_on_where_the_last_one_ended(user, anna, client_of):
    same = timezone.now()
    jobs = [factories.make_job(user, JobState.DONE, now=same) for _number in range(60)]
    client = client_of(anna)

    first = client.get("/jobs/?state=done")
    second = client.get(f"/jobs/?{first.context['older_query']}")

    assert rows(first) + rows(second) == jobs[::-1]
    assert second.context["page"].older is None


@pytest.mark.parametrize("query", ["state=nonsense", "after=nonsense", "mine=1", "after=%00"])
def test_no_query_is_an_error(query, user, anna, client_of):
    factories.make_job(user, JobState.DONE)

    assert client_of(anna).get(f"/jobs/?{query}").status_code == 200


def test_nothing_matching_says_that_the_filter_hides_the_others(user, anna, client_of):
    factories.make_job(user, JobState.DONE)

    text = client_of(anna).get("/jobs/?state=failed").content.decode()

    assert "No job matches" in text
    assert "Show all jobs" in text


def test_live_cells_tell_only_of_the_partners_own_jobs(user, anna, carla, client_of):
    job = factories.make_job(user, JobState.SENDING)
    query = f"/jobs/live/?id={job.uuid}&id=nonsense"

    assert f'id="state-{job.uuid}"' in client_of(anna).get(query).content.decode()
    assert str(job.uuid) not in client_of(carla).get(query).content.decode()


def test_the_poll_slows_down_after_the_last_unfinished_job(user, anna, client_of):
    job = factories.make_job(user, JobState.QUEUED)
    client, url = client_of(anna), f"/jobs/live/?id={job.uuid}"
    assert 'data-every="2000"' in client.get(url).content.decode()

    factories.move_job(job, JobState.DONE)

    assert 'data-every="6000"' in client.get(url).content.decode()


def test_the_poll_tells_how_many_came_on_top(user, anna, client_of):
    first = factories.make_job(user, JobState.DONE, now=timezone.now() - timedelta(minutes=1))
    url = f"/jobs/live/?newest={first.uuid}"
    assert "newer" not in words(client_of(anna).get(url))

    factories.make_batch(user.template, total=3)
    factories.make_job(user, JobState.DONE)

    assert "2 newer, show them" in words(client_of(anna).get(url))


def test_a_failed_job_says_why_and_what_to_do(user, anna, client_of):
    job = factories.make_job(
        user, JobState.FAILED, result_code="200042", result_text="taken", tracking_id="ROUTERGW_9"
    )

    text = client_of(anna).get(job.get_absolute_url()).content.decode()

    assert "Address already linked to another user ID" in text
    assert "ROUTERGW_9" in text


def test_a_poll_of_a_job_gets_nothing_until_it_changes(user, anna, client_of):
    job = factories.make_job(user, JobState.QUEUED)
    client = client_of(anna)
    version = client.get(job.get_absolute_url()).context["line"].version
    live = f"{job.get_absolute_url()}?v={version}"
    assert client.get(live, headers={"HX-Request": "true"}).status_code == 204

    factories.move_job(job, JobState.DONE)

    text = client.get(live, headers={"HX-Request": "true"}).content.decode()
    assert "Done" in text
    assert "data-every" not in text


def test_what_happened_is_told_with_times_and_reasons(user, anna, client_of):
    job = factories.make_job(user, requested_label="Bo Skovgaard")
    factories.move_job(job, JobState.CHECKING, result_text="no answer in 10 s")
    Job.objects.filter(pk=job.pk).update(state=JobState.WAITING)

    answer = client_of(anna).get(job.get_absolute_url())

    told = [moment.text for moment in answer.context["moments"]]
    assert told == [
        "Webex had accepted it and is working",
        "No clear answer: Webex is asked what became of it",
        "Sending to Webex",
        "asked for it",
    ]
    assert "no answer in 10 s" in words(answer)
    assert "Bo Skovgaard asked for it" in words(answer)


def test_what_happened_says_who_cancelled(user, anna, bo, client_of):
    job = factories.make_job(user, requested_by=bo)
    client_of(bo).post(url("job_cancel", job))

    answer = client_of(anna).get(job.get_absolute_url())

    assert "Bo Skovgaard cancelled it. Nothing was sent." in words(answer)
    assert "Cancelled by Bo Skovgaard" in words(answer)


def test_every_legal_change_of_a_job_has_words_of_its_own(user):
    job = factories.make_job(user)
    for before, afters in TRANSITIONS.items():
        for after in afters:
            event = JobEvent(job=job, at=job.created_at, before=before, after=after, sends=1)
            event.save()

    moments = job_history.moments_of(job)

    assert len(moments) == 1 + sum(map(len, TRANSITIONS.values()))
    assert all(moment.text for moment in moments)


def test_a_job_of_a_batch_leads_to_it(user, template, anna, client_of):
    batch = factories.make_batch(template, total=7)
    job = factories.make_job(user, batch=batch)

    page = client_of(anna).get(job.get_absolute_url())

    assert link(page, "Retry activation, 7 users") == batch.get_absolute_url()


@pytest.mark.parametrize(("batches", "jobs", "shown"), [(1, 1, "2"), (0, 0, ""), (60, 60, "99+")])
def test_the_side_bar_counts_batches_as_one_and_no_more_than_it_must(
    batches, jobs, shown, template, anna, client_of
):
    for _number in range(batches):
        batch = factories.make_batch(template, total=1)
        row = factories.make_subscriber(template)
        factories.make_job(row, batch=batch, priority=Job.Priority.BATCH)
    for _number in range(jobs):
        factories.make_job(factories.make_subscriber(template))

    text = words(client_of(anna).get("/settings/"))

    assert re.search(r"Jobs (\S*) ?running", text)[1] == shown if shown else "running" not in text


def test_a_missing_worker_is_told(user, anna, client_of):
    job = factories.make_job(user, JobState.QUEUED)
    Heartbeat.objects.create(name="worker", at=timezone.now() - timedelta(minutes=5))

    text = client_of(anna).get(job.get_absolute_url()).content.decode()

    assert "No worker is running" in text


def test_one_cancels_and_repeats_ones_own_job(user, bo, client_of):
    job = factories.make_job(user, JobState.QUEUED, requested_by=bo)
    client = client_of(bo)
    client.post(url("job_cancel", job))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED

    answer = client.post(url("job_retry", job))

    again = Job.objects.exclude(pk=job.pk).get()
    assert (answer.url, again.state) == (again.get_absolute_url(), JobState.QUEUED)


def test_anothers_job_takes_the_right_to_manage(user, anna, bo, client_of):
    job = factories.make_job(user, JobState.QUEUED, requested_by=anna)
    assert "Cancel job" not in client_of(bo).get(job.get_absolute_url()).content.decode()
    assert client_of(bo).post(url("job_cancel", job)).status_code == 403
    job.requested_by = bo
    job.save()

    client_of(anna).post(url("job_cancel", job))

    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_too_late_to_cancel_is_said_in_words(user, anna, client_of):
    job = factories.make_job(user, JobState.SENDING, requested_by=anna, sends=1)

    text = client_of(anna).post(url("job_cancel", job), follow=True).content.decode()

    assert "too late to cancel" in text


@pytest.mark.parametrize("name", ["job_cancel", "job_retry"])
def test_readers_strangers_and_gets_change_nothing(name, user, anna, rie, carla, client_of):
    job = factories.make_job(user, JobState.QUEUED)

    assert client_of(rie).post(url(name, job)).status_code == 403
    assert client_of(carla).post(url(name, job)).status_code == 404
    assert client_of(anna).get(url(name, job)).status_code == 405


def test_anothers_partners_job_is_missing(user, carla, client_of):
    job = factories.make_job(user)

    assert client_of(carla).get(job.get_absolute_url()).status_code == 404
