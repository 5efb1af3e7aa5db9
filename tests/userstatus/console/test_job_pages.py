"""The list of jobs and one job."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import Heartbeat, Job
from provisioning.states import JobState
from tests import factories


def url(name, job):
    return reverse(f"userstatus:{name}", args=[job.uuid])


@pytest.fixture
def user(template):
    return factories.make_subscriber(template, "error")


def rows(answer):
    return [line.job for line in answer.context["page"].lines]


def test_the_filters_show_exactly_those_jobs(user, anna, bo, client_of):
    mine = factories.make_job(user, JobState.FAILED, requested_by=anna)
    theirs = factories.make_job(user, JobState.FAILED, requested_by=bo)
    queued = factories.make_job(user, JobState.QUEUED, requested_by=bo)
    client = client_of(anna)

    assert rows(client.get("/jobs/")) == [queued, theirs, mine]
    assert rows(client.get("/jobs/?state=failed")) == [theirs, mine]
    assert rows(client.get("/jobs/?state=failed&mine=on")) == [mine]
    assert rows(client.get("/jobs/?state=unfinished")) == [queued]


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


def test_live_polling_ends_with_the_last_unfinished_job(user, anna, client_of):
    job = factories.make_job(user, JobState.DONE)

    text = client_of(anna).get(f"/jobs/live/?id={job.uuid}").content.decode()

    assert "hx-trigger" not in text


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
    assert "hx-trigger" not in text


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
