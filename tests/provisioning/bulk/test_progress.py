from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import BackendConnection, RetryBy
from provisioning import codes, timing
from provisioning.bulk import services as bulk_services
from provisioning.bulk.services import BatchState, Limit
from provisioning.models import Job, JobBatch
from provisioning.states import JobKind, Status
from tests import factories

LEASE = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def actor(anna):
    return factories.actor_of(anna)


def given(actor, template, count, kind=JobKind.RETRY, **fields):
    rows = [factories.make_subscriber(template, Status.ERROR, **fields) for _ in range(count)]
    ids = [row.pk for row in rows]
    return bulk_services.accept(template, kind, ids, params={}, actor=actor, now=timezone.now())


def put(batch, state, count, **fields):
    """So many queued jobs have got there."""
    ids = batch.jobs.filter(state="queued").order_by("not_before").values_list("pk", flat=True)
    jobs = Job.objects.filter(pk__in=list(ids[:count]))
    if state != "cancelled":
        jobs.update(state="sending", sends=1, intent_at=timing.now(), lease_token=LEASE)
    if state not in {"sending", "waiting"}:
        fields = {"finished_at": timing.now()} | fields
    jobs.update(state=state, **fields)


def released(batch):
    batch.released_at = timing.now() - timedelta(minutes=10)
    batch.save()
    batch.jobs.update(held=False)
    return batch


def told(batch, **later):
    batch.refresh_from_db()
    return bulk_services.progress(batch, timing.now() + timedelta(**later))


def limits(batch, **values):
    BackendConnection.objects.filter(pk=batch.connection_id).update(**values)


def test_every_row_is_counted_once(actor, template):
    batch = given(actor, template, 10)
    put(batch, "done", 1)
    put(batch, "failed", 2, result_code="200039")
    put(batch, "cancelled", 1, result_code=codes.SKIP_BUSY)
    put(batch, "cancelled", 2, cancelled_by="Anna Kofoed")
    put(batch, "sending", 1)

    found = told(batch)

    numbers = (found.done, found.failed, found.skipped, found.cancelled, found.left)
    assert (numbers, found.total, found.untouched) == ((1, 2, 1, 2, 4), 10, 3)
    assert (found.causes, found.skips) == ([("200039", 2)], [(codes.SKIP_BUSY, 1)])


def test_the_most_frequent_cause_comes_first(actor, template):
    batch = given(actor, template, 5)
    put(batch, "failed", 1, result_code="200016")
    put(batch, "failed", 3, result_code="200039")

    assert told(batch).causes == [("200039", 3), ("200016", 1)]


def state_after(batch, *steps, **values):
    for state, count, fields in steps:
        put(batch, state, count, **fields)
    JobBatch.objects.filter(pk=batch.pk).update(**values)
    return told(batch).state


def test_a_batch_says_where_it_is(actor, template):
    now = timing.now()

    def new():
        return given(actor, template, 5)

    fail = ("failed", 5, {"result_code": "200039"})
    assert state_after(new()) == BatchState.TRYING
    assert state_after(new(), released_at=now) == BatchState.RUNNING
    assert state_after(new(), paused_at=now) == BatchState.PAUSED
    assert state_after(new(), ("done", 5, {})) == BatchState.DONE
    assert state_after(new(), fail) == BatchState.DONE_WITH_ERRORS
    assert state_after(new(), cancelled_at=now) == BatchState.CANCELLED
    assert state_after(new(), ("cancelled", 5, {"cancelled_by": "Anna"})) == BatchState.CANCELLED
    deletion = given(actor, template, 5, JobKind.DELETE)
    assert state_after(deletion) == BatchState.GRACE
    assert state_after(deletion, cancelled_at=now) == BatchState.UNDONE
    assert told(deletion, seconds=11).state == BatchState.UNDONE


# ---- The finish time ----


def test_the_rate_limits_a_fast_backend(actor, template):
    batch = given(actor, template, 100)
    limits(batch, requests_per_minute=60, answer_ms=100, max_in_flight=4)

    finish = told(batch).finish

    assert (finish.limit, finish.per_minute, finish.until) == (Limit.RATE, 60, None)
    assert finish.at - timing.now() == pytest.approx(
        timedelta(seconds=300), abs=timedelta(seconds=5)
    )


def test_slow_answers_limit_more_than_a_high_rate(actor, template):
    batch = given(actor, template, 100)
    limits(batch, requests_per_minute=6000, answer_ms=2000, max_in_flight=4)

    finish = told(batch).finish

    assert (finish.limit, finish.seconds, finish.in_flight) == (Limit.ANSWERS, 2.0, 4)
    assert finish.at - timing.now() == pytest.approx(
        timedelta(seconds=150), abs=timedelta(seconds=5)
    )


def test_a_retry_of_two_steps_takes_a_request_more(actor, template):
    batch = given(actor, template, 100)
    limits(batch, requests_per_minute=60, retry_by=RetryBy.DELETE_THEN_POST)

    assert told(batch).finish.at - timing.now() == pytest.approx(
        timedelta(seconds=400), abs=timedelta(seconds=5)
    )


def test_a_closed_gate_is_named_with_the_time_at_which_it_opens(actor, template):
    batch = given(actor, template, 5)
    until = timing.now() + timedelta(minutes=10)
    limits(batch, not_before=until)

    finish = told(batch).finish

    assert (finish.limit, finish.until) == (Limit.GATE, until)
    assert finish.at > until


def test_a_deletion_is_limited_by_its_time_of_grace(actor, template, settings):
    settings.DELETE_GRACE_SECONDS = 60.0
    batch = given(actor, template, 5, JobKind.DELETE)

    finish = told(batch).finish

    assert (finish.limit, finish.until) == (Limit.GRACE, batch.undo_until)


def test_others_jobs_that_go_first_count_too(actor, template):
    batch = given(actor, template, 10)
    limits(batch, requests_per_minute=60)
    alone = told(batch).finish
    factories.make_job(factories.make_subscriber(template, Status.ERROR))

    beside = told(batch).finish

    assert (alone.ahead, beside.ahead) == (0, 1)
    assert beside.at - alone.at > timedelta(seconds=2)


def test_once_rows_have_ended_their_speed_is_believed(actor, template):
    batch = released(given(actor, template, 30))
    limits(batch, requests_per_minute=600_000, answer_ms=1)
    now = timing.now()
    put(batch, "done", 20)
    done = batch.jobs.filter(state="done").order_by("pk")
    for number, job in enumerate(done):
        Job.objects.filter(pk=job.pk).update(finished_at=now - timedelta(seconds=6 * number))

    finish = told(batch).finish

    # Twenty rows took 114 seconds: ten more take 57.
    assert finish.at - now == pytest.approx(timedelta(seconds=57), abs=timedelta(seconds=5))


def test_what_was_cancelled_has_no_finish_time(actor, template):
    batch = given(actor, template, 5)
    JobBatch.objects.filter(pk=batch.pk).update(cancelled_at=timing.now())

    assert told(batch).finish is None


def test_what_is_paused_tells_when_it_would_be_done(actor, template):
    batch = given(actor, template, 5)
    JobBatch.objects.filter(pk=batch.pk).update(paused_at=timing.now())

    assert told(batch).finish is not None


def test_progress_takes_few_queries_whatever_the_size(actor, template):
    batch = released(given(actor, template, 30))
    now = timing.now()

    with CaptureQueriesContext(connection) as queries:
        bulk_services.progress(batch, now)

    assert len(queries) <= 4


# ---- Results ----


def written(batch, **more):
    out = io.BytesIO()
    bulk_services.write_results(batch, out, **more)
    return out.getvalue()


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_results_are_told_apart_by_what_became_of_them(actor, template):
    batch = given(actor, template, 6)
    put(batch, "done", 1)
    put(batch, "failed", 1, result_code="200039")
    put(batch, "cancelled", 1, result_code=codes.SKIP_BUSY)
    put(batch, "cancelled", 1, cancelled_by="Anna Kofoed")

    found = {
        name: bulk_services.results(batch, outcome=name).count() for name in bulk_services.OUTCOMES
    }

    assert found == {"failed": 1, "skipped": 1, "cancelled": 1, "done": 1, "left": 2}
    assert bulk_services.results(batch).count() == 6


def test_the_file_has_every_row_with_its_reason_in_english(actor, template):
    batch = given(actor, template, 2)
    put(batch, "failed", 1, result_code="200039", result_text="in use", tracking_id="T_1")
    put(batch, "cancelled", 1, result_code=codes.SKIP_BUSY)

    failed, skipped = rows_of(written(batch))

    assert (failed["Outcome"], failed["Code"], failed["Text"]) == ("failed", "200039", "in use")
    assert (failed["Tracking ID"], failed["Ended"][-1]) == ("T_1", "Z")
    assert failed["BroadWorks ID"] == bulk_services.results(batch).first().broadworks_id
    assert (skipped["Outcome"], skipped["Reason"]) == (
        "skipped",
        "Another action has not ended yet",
    )


def test_cells_that_a_spreadsheet_would_run_are_neutralised(actor, template):
    batch = given(actor, template, 1, first_name="=1+1")
    put(batch, "failed", 1, result_code="1", result_text='@SUM("x")')

    (row,) = rows_of(written(batch))

    assert (row["First name"], row["Text"]) == ("'=1+1", '\'@SUM("x")')


def test_the_file_starts_with_a_mark_and_ends_its_lines_as_it_should(actor, template):
    content = written(given(actor, template, 2))

    assert content.startswith(b"\xef\xbb\xbfBroadWorks ID,First name")
    assert content.count(b"\r\n") == content.count(b"\n") == 3


def test_a_long_list_is_written_whole(actor, template):
    batch = given(actor, template, 3)
    job = batch.jobs.first()
    copies = [
        Job(
            **{
                f.attname: getattr(job, f.attname)
                for f in Job._meta.fields
                if f.name not in {"id", "uuid", "state", "finished_at"}
            },
            state="cancelled",
            finished_at=timing.now(),
        )
        for _ in range(1200)
    ]
    Job.objects.bulk_create(copies)

    assert len(rows_of(written(batch, outcome="cancelled"))) == 1200


def test_a_download_gets_the_same_bytes(actor, template):
    from django.http import HttpResponse

    batch = given(actor, template, 2)
    answer = HttpResponse()

    bulk_services.write_results(batch, answer)

    assert answer.content == written(batch)
