"""One batch: its figures, what stopped it, its rows by how they ended, and what people do to it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning.bulk import services as bulk_services
from provisioning.models import Job, JobBatch
from provisioning.states import JobKind, JobState, Status
from tests import factories
from tests.userstatus.pages import words

HTMX = {"HX-Request": "true"}


def url(name, batch):
    return reverse(f"userstatus:{name}", args=[batch.uuid])


def make_rows(batch, number, state=JobState.QUEUED, **fields):
    """Rows of a batch, each of a user of its own."""
    return [
        factories.make_job(
            factories.make_subscriber(batch.template, Status.ERROR),
            state,
            batch=batch,
            priority=Job.Priority.BATCH,
            **fields,
        )
        for _number in range(number)
    ]


def accepted(template, actor, number, kind=JobKind.RETRY):
    """A batch as the product accepts it."""
    users = [factories.make_subscriber(template, Status.ERROR) for _number in range(number)]
    return bulk_services.accept(
        template,
        kind,
        [user.pk for user in users],
        params={},
        actor=factories.actor_of(actor),
        now=timezone.now(),
    )


@pytest.fixture
def paused(template, bo):
    """Stopped by the brake after 5 of 12."""
    now = timezone.now()
    batch = factories.make_batch(
        template,
        total=12,
        requested_by=bo,
        requested_label="Bo Skovgaard",
        released_at=now,
        paused_at=now,
        pause_code="PH-GAVE-UP",
    )
    make_rows(batch, 5, JobState.FAILED, result_code="PH-GAVE-UP")
    make_rows(batch, 7, held=True)
    return batch


@pytest.fixture
def mixed(template, anna):
    """Ended: 6 done, 3 failed for two causes, 2 skipped, 1 cancelled."""
    now = timezone.now()
    batch = factories.make_batch(
        template, total=12, requested_by=anna, released_at=now, finished_at=now
    )
    make_rows(batch, 6, JobState.DONE)
    make_rows(batch, 2, JobState.FAILED, result_code="200042", result_text="taken")
    make_rows(batch, 1, JobState.FAILED, result_code="200026")
    make_rows(batch, 2, JobState.CANCELLED, result_code="PH-SKIP-STATUS")
    make_rows(batch, 1, JobState.CANCELLED, cancelled_by="Anna Kofoed")
    return batch


def shown(answer):
    return [row.job for row in answer.context["page"].rows]


def test_the_figures_count_every_row_once_and_open_exactly_those(mixed, anna, client_of):
    client = client_of(anna)

    outcomes = client.get(mixed.get_absolute_url()).context["page"].outcomes

    assert {o.word: o.count for o in outcomes} == {
        "done": 6,
        "failed": 3,
        "skipped": 2,
        "cancelled": 1,
        "left": 0,
    }
    for outcome in outcomes:
        page = client.get(f"{mixed.get_absolute_url()}?show={outcome.word}")
        assert len(shown(page)) == outcome.count


def test_the_failed_are_shown_first_with_their_reasons(mixed, anna, client_of):
    answer = client_of(anna).get(mixed.get_absolute_url())

    assert {job.state for job in shown(answer)} == {JobState.FAILED}
    assert "Address already linked to another user ID 200042" in words(answer)


def test_causes_are_counted_and_open_exactly_those_users(mixed, anna, client_of):
    client = client_of(anna)

    causes = client.get(mixed.get_absolute_url()).context["page"].causes

    assert [(cause.code, cause.count) for cause in causes] == [("200042", 2), ("200026", 1)]
    page = client.get(f"{mixed.get_absolute_url()}?show=failed&code=200042")
    assert {job.result_code for job in shown(page)} == {"200042"}
    assert len(shown(page)) == 2


def test_skipped_rows_say_why(mixed, anna, client_of):
    answer = client_of(anna).get(f"{mixed.get_absolute_url()}?show=skipped")

    reason = answer.context["page"].rows[0].explanation
    assert reason is not None
    assert str(reason.title) in words(answer)


def test_the_brake_says_what_happened_what_is_untouched_and_what_resuming_means(
    paused, bo, client_of
):
    text = words(client_of(bo).get(paused.get_absolute_url()))

    assert "Paused by the brake" in text
    assert "Paused after 5 of 12: No clear answer from Webex" in text
    assert "5 in a row failed for the same cause" in text
    assert "7 users are untouched. Resume tries 3 first." in text
    assert "Cancel the other 7" in text
    assert "Retry the failed 5" in text


def test_a_brake_among_the_first_few_says_so(template, anna, client_of):
    now = timezone.now()
    batch = factories.make_batch(template, total=9, paused_at=now, pause_code="200042")
    make_rows(batch, 3, JobState.FAILED, result_code="200042")
    make_rows(batch, 6, held=True)

    text = words(client_of(anna).get(batch.get_absolute_url()))

    assert "The first 3 failed for the same cause" in text


def test_the_finish_names_what_limits_it(template, anna, client_of):
    webex = BackendConnection.objects.filter(partner=template.partner)
    batch = accepted(template, anna, 20)
    client = client_of(anna)

    webex.update(requests_per_minute=6, answer_ms=10)
    by_rate = words(client.get(batch.get_absolute_url()))
    webex.update(requests_per_minute=60_000, answer_ms=4000, max_in_flight=1)
    by_answers = words(client.get(batch.get_absolute_url()))
    webex.update(not_before=timezone.now() + timedelta(hours=2))
    by_gate = words(client.get(batch.get_absolute_url()))

    assert "limited by Webex: 6 requests a minute" in by_rate
    assert "limited by how fast Webex answers: 4.0 s each, 1 at once" in by_answers
    assert "because Webex asks us to wait until" in by_gate


def test_of_a_paused_one_it_is_told_when_it_would_be_done(paused, bo, client_of):
    assert "If resumed now: done about" in words(client_of(bo).get(paused.get_absolute_url()))


def test_nothing_is_foretold_of_what_has_ended(mixed, anna, client_of):
    assert "Done about" not in words(client_of(anna).get(mixed.get_absolute_url()))


def test_more_than_fifty_rows_are_paged_each_on_one_page(template, anna, client_of):
    same = timezone.now()
    batch = factories.make_batch(template, total=120)
    made = make_rows(batch, 60, JobState.FAILED, now=same)
    made += make_rows(batch, 60, JobState.FAILED, now=same + timedelta(seconds=1))
    client, query, found = client_of(anna), "show=failed", []

    while query:
        page = client.get(f"{batch.get_absolute_url()}?{query}").context["page"]
        found += [row.job for row in page.rows]
        query = page.more and page.more_query

    assert found == made


@pytest.mark.parametrize("query", ["show=nonsense", "after=nonsense", "code=%00", "rows=!_zz_"])
def test_no_query_is_an_error(query, mixed, anna, client_of):
    answer = client_of(anna).get(f"{mixed.get_absolute_url()}?{query}")

    assert answer.status_code == 200


# ---- Live ----


def live(answer, **more):
    page = answer.context["page"]
    return f"{page.line.batch.get_absolute_url()}?{page.query(**{'v': page.version} | more)}"


def test_a_poll_gets_nothing_until_something_changes(paused, bo, client_of):
    client = client_of(bo)
    poll = live(client.get(paused.get_absolute_url()))
    assert client.get(poll, headers=HTMX).status_code == 204

    factories.move_job(paused.jobs.filter(held=True).first(), JobState.DONE)

    answer = client.get(poll, headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert "1 done" in words(answer)


def test_a_row_that_ended_meanwhile_is_told_to_the_page_that_shows_it(template, anna, client_of):
    batch = factories.make_batch(template, total=3, released_at=timezone.now())
    first, *_others = make_rows(batch, 3)
    client = client_of(anna)
    page = client.get(f"{batch.get_absolute_url()}?show=left")
    rows = "_".join(row.key for row in page.context["page"].rows)

    factories.move_job(first, JobState.DONE)

    answer = client.get(live(page, rows=rows), headers=HTMX)
    assert first in shown(answer)
    assert len(shown(answer)) == 3


def test_rows_of_another_batch_are_not_told(mixed, paused, anna, client_of):
    client = client_of(anna)
    page = client.get(mixed.get_absolute_url())
    foreign = client.get(paused.get_absolute_url()).context["page"].rows[0]

    answer = client.get(live(page, v="old", rows=foreign.key), headers=HTMX)

    assert foreign.job not in shown(answer)


def test_the_poll_ends_with_the_batch(mixed, anna, client_of):
    assert "data-every" not in client_of(anna).get(mixed.get_absolute_url()).content.decode()


def test_fifty_rows_take_the_same_queries_as_one(
    template, anna, client_of, django_assert_max_num_queries
):
    batch = factories.make_batch(template, total=50)
    client = client_of(anna)
    make_rows(batch, 1)
    with CaptureQueriesContext(connection) as one:
        client.get(batch.get_absolute_url())
    make_rows(batch, 49)

    with django_assert_max_num_queries(len(one)):
        client.get(batch.get_absolute_url())


# ---- What people do ----


def test_resuming_lets_three_go_first(paused, bo, client_of):
    client = client_of(bo)

    answer = client.post(url("job_resume", paused), follow=True)

    assert "Resumed. The first 3 are tried before the others." in words(answer)
    assert "Trying the first 3" in words(answer)
    assert paused.jobs.filter(held=False, finished_at=None).count() == 3


def test_resuming_what_does_not_stand_still_is_refused_in_words(mixed, anna, client_of):
    answer = client_of(anna).post(url("job_resume", mixed), follow=True)

    assert "does not stand still" in words(answer)


def test_cancelling_leaves_the_rest_untouched(paused, bo, client_of):
    answer = client_of(bo).post(url("job_cancel", paused), follow=True)

    assert "Cancelled. 7 users are untouched." in words(answer)
    assert "Cancelled by Bo Skovgaard" in words(answer)
    assert paused.jobs.filter(state=JobState.CANCELLED).count() == 7


def test_retrying_the_failed_makes_a_batch_of_exactly_those_that_knows_its_parent(
    paused, bo, client_of
):
    client = client_of(bo)
    failed = set(paused.jobs.filter(state="failed").values_list("subscriber", flat=True))

    answer = client.post(url("job_retry", paused), follow=True)

    again = JobBatch.objects.exclude(pk=paused.pk).get()
    assert set(again.jobs.values_list("subscriber", flat=True)) == failed
    assert answer.redirect_chain == [(again.get_absolute_url(), 302)]
    assert f'href="{paused.get_absolute_url()}"' in answer.content.decode()
    assert again.get_absolute_url() in client.get(paused.get_absolute_url()).content.decode()


def test_sending_the_same_form_twice_retries_once(paused, bo, client_of):
    client = client_of(bo)
    form = {"submission_id": "8b9d2a5e-59a4-4f0f-8b5c-0d2a1b6c7e11"}

    first = client.post(url("job_retry", paused), form)
    second = client.post(url("job_retry", paused), form)

    assert first.url == second.url
    assert JobBatch.objects.count() == 2


@pytest.mark.parametrize("name", ["job_cancel", "job_resume", "job_retry"])
def test_anothers_batch_takes_the_right_to_manage(name, paused, template, anna, client_of):
    clerk = factories.make_user(template.partner, "administrator")
    client = client_of(clerk)
    page = client.get(paused.get_absolute_url()).content.decode()
    assert url(name, paused) not in page
    assert client.post(url(name, paused)).status_code == 403

    assert client_of(anna).post(url(name, paused)).status_code == 302


@pytest.mark.parametrize("name", ["job_cancel", "job_resume", "job_retry", "job_undo"])
def test_readers_and_strangers_do_nothing_to_a_batch(name, paused, rie, carla, client_of):
    before = list(paused.jobs.order_by("pk").values())

    assert client_of(rie).post(url(name, paused)).status_code == 403
    assert client_of(carla).post(url(name, paused)).status_code == 404
    assert list(paused.jobs.order_by("pk").values()) == before


def test_another_partners_batch_is_missing(paused, carla, client_of):
    client = client_of(carla)

    assert client.get(paused.get_absolute_url()).status_code == 404
    assert client.get(url("job_results", paused)).status_code == 404


# ---- Undo ----


def test_whoever_may_act_undoes_a_batch_of_deletes_in_time(template, anna, bo, client_of):
    batch = accepted(template, anna, 4, JobKind.DELETE)
    client = client_of(bo)
    assert "Deleting in" in words(client.get(batch.get_absolute_url()))

    answer = client.post(url("job_undo", batch), follow=True)

    assert "Undone. 4 users stay." in words(answer)
    assert "Undone by Bo Skovgaard" in words(answer)
    assert set(batch.jobs.values_list("state", flat=True)) == {JobState.CANCELLED}


def test_undoing_a_batch_too_late_stops_nothing(template, anna, client_of):
    batch = accepted(template, anna, 4, JobKind.DELETE)
    JobBatch.objects.update(undo_until=timezone.now() - timedelta(seconds=1))

    text = words(client_of(anna).post(url("job_undo", batch), follow=True))

    assert "too late to undo" in text
    assert set(batch.jobs.values_list("state", flat=True)) == {JobState.QUEUED}


@pytest.mark.parametrize("seconds", [0, 60])
def test_undoing_a_batch_twice_says_who_undid_it(seconds, template, anna, bo, client_of):
    batch = accepted(template, anna, 4, JobKind.DELETE)
    client_of(bo).post(url("job_undo", batch))
    since = timedelta(seconds=seconds)
    JobBatch.objects.update(
        undo_until=F("undo_until") - since, cancelled_at=F("cancelled_at") - since
    )

    answer = client_of(anna).post(url("job_undo", batch), headers={"HX-Request": "true"})

    assert json.loads(answer["HX-Trigger"])["toast"]["text"] == "Undone by Bo Skovgaard"


def test_what_is_no_delete_cannot_be_undone(paused, bo, client_of):
    text = words(client_of(bo).post(url("job_undo", paused), follow=True))

    assert "too late to undo" in text


# ---- Results as a file ----


def test_the_file_holds_every_row_with_how_it_ended(mixed, rie, client_of):
    answer = client_of(rie).get(url("job_results", mixed))

    text = answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 12
    assert [row["Outcome"] for row in rows].count("failed") == 3
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'attachment; filename="retry-smb-denmark-' in answer["Content-Disposition"]


def test_a_single_job_has_no_file(template, anna, client_of):
    job = factories.make_job(factories.make_subscriber(template))

    assert client_of(anna).get(url("job_results", job)).status_code == 404
