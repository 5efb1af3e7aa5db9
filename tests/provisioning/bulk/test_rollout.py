from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from provisioning import codes, timing
from provisioning.bulk import services as bulk_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job
from provisioning.states import JobKind, JobState, Status
from tests import factories


@pytest.fixture
def actor(anna):
    return factories.actor_of(anna)


def given(actor, template, count, kind=JobKind.RETRY):
    rows = [factories.make_subscriber(template, Status.ERROR).pk for _ in range(count)]
    now = timezone.now()
    return bulk_services.accept(template, kind, rows, params={}, actor=actor, now=now)


def end(jobs, state=JobState.DONE, code="", text=""):
    """The worker got this far with each, one after the other."""
    found = []
    for job in jobs:
        at = timing.now()
        Job.objects.filter(pk=job.pk, state="queued").update(
            state="sending",
            sends=1,
            intent_at=at,
            lease_token="00000000-0000-0000-0000-000000000001",
        )
        Job.objects.filter(pk=job.pk).update(
            state=state, finished_at=at, result_code=code, result_text=text, lease_token=None
        )
        found.append(job)
    return found


def skip(jobs):
    for job in jobs:
        Job.objects.filter(pk=job.pk).update(
            state="cancelled", finished_at=timing.now(), result_code=codes.SKIP_STATUS
        )


def free(batch, most=None):
    jobs = batch.jobs.filter(state="queued", held=False).order_by("not_before")
    return list(jobs[:most])


def held(batch):
    return batch.jobs.filter(state="queued", held=True).count()


def watch(batch, **later):
    bulk_services.watch(batch.pk, timing.now() + timedelta(**later))
    batch.refresh_from_db()
    return batch


def released(actor, template, count):
    batch = given(actor, template, count)
    end(free(batch))
    return watch(batch)


def test_the_others_wait_while_the_first_are_under_way(actor, template):
    batch = given(actor, template, 10)
    end(free(batch, 2))

    watch(batch)

    assert (held(batch), batch.released_at) == (7, None)


def test_all_are_let_go_once_the_first_went_well(actor, template):
    batch = released(actor, template, 10)

    assert (held(batch), len(free(batch))) == (0, 7)
    assert batch.released_at


def test_one_good_row_among_the_first_is_enough(actor, template):
    batch = given(actor, template, 10)
    jobs = free(batch)
    end(jobs[:2], JobState.FAILED, "200039")
    end(jobs[2:])

    assert watch(batch).released_at


def test_a_row_at_which_webex_works_has_gone_well_after_a_while(actor, template):
    batch = given(actor, template, 10)
    end(free(batch, 2))
    job = free(batch)[0]
    Job.objects.filter(pk=job.pk).update(
        state="sending",
        sends=1,
        intent_at=timing.now(),
        lease_token="00000000-0000-0000-0000-000000000001",
    )
    Job.objects.filter(pk=job.pk).update(state="waiting", lease_token=None)

    assert watch(batch, seconds=14).released_at is None
    assert watch(batch, seconds=16).released_at


def test_a_row_of_which_nobody_knows_what_became_does_not_let_the_others_go(actor, template):
    batch = given(actor, template, 10)
    end(free(batch, 2))
    job = free(batch)[0]
    Job.objects.filter(pk=job.pk).update(
        state="sending",
        sends=1,
        intent_at=timing.now(),
        lease_token="00000000-0000-0000-0000-000000000001",
    )
    Job.objects.filter(pk=job.pk).update(state="checking", lease_token=None)

    assert watch(batch, seconds=60).released_at is None


def test_skipped_rows_prove_nothing_so_others_are_tried(actor, template):
    batch = given(actor, template, 10)
    skip(free(batch))

    watch(batch)

    assert batch.released_at is None
    assert (len(free(batch)), held(batch)) == (3, 4)


def test_a_batch_stops_when_its_first_rows_all_fail_for_one_cause(actor, template):
    batch = given(actor, template, 10)
    end(free(batch), JobState.FAILED, "200016", "the address belongs to somebody else")

    watch(batch)

    assert batch.paused_at
    assert batch.released_at is None
    assert batch.pause_code == "200016"
    assert batch.pause_text == "the address belongs to somebody else"
    assert held(batch) == 7
    line = AuditEvent.objects.get(action="batch.pause")
    assert line.after == {"code": "200016", "untouched": 7}


def test_a_batch_stops_after_five_failures_in_a_row_for_one_cause(actor, template):
    batch = released(actor, template, 20)
    end(free(batch, 4), JobState.FAILED, "200039")
    assert watch(batch).paused_at is None

    end(free(batch, 1), JobState.FAILED, "200039")

    assert watch(batch).paused_at
    assert held(batch) == 12


def test_failures_of_several_causes_do_not_stop_it(actor, template):
    batch = released(actor, template, 20)
    for code in ("200039", "200042") * 4:
        end(free(batch, 1), JobState.FAILED, code)

    assert watch(batch).paused_at is None


def test_a_success_among_failures_starts_the_count_anew(actor, template):
    batch = released(actor, template, 20)
    end(free(batch, 4), JobState.FAILED, "200039")
    end(free(batch, 1))
    end(free(batch, 4), JobState.FAILED, "200039")

    assert watch(batch).paused_at is None


def test_skipped_rows_do_not_break_a_row_of_failures(actor, template):
    batch = released(actor, template, 20)
    end(free(batch, 3), JobState.FAILED, "200039")
    skip(free(batch, 2))
    end(free(batch, 2), JobState.FAILED, "200039")

    assert watch(batch).paused_at


def test_what_is_under_way_is_not_held_by_the_brake(actor, template):
    batch = released(actor, template, 20)
    job = free(batch)[-1]
    Job.objects.filter(pk=job.pk).update(lease_until=timing.now() + timedelta(seconds=40))
    end(free(batch, 5), JobState.FAILED, "200039")

    watch(batch)

    job.refresh_from_db()
    assert batch.paused_at
    assert not job.held


def test_with_nothing_left_to_hold_back_there_is_no_pause(actor, template):
    batch = released(actor, template, 8)
    end(free(batch), JobState.FAILED, "200039")

    watch(batch)

    assert batch.paused_at is None
    assert batch.finished_at


def test_a_resumed_batch_tries_three_first_again(actor, template):
    batch = released(actor, template, 20)
    end(free(batch, 5), JobState.FAILED, "200039")
    watch(batch)

    bulk_services.resume(batch, actor=actor, now=timezone.now())

    batch.refresh_from_db()
    assert (batch.paused_at, batch.pause_code, batch.released_at) == (None, "", None)
    assert (len(free(batch)), held(batch)) == (3, 9)
    assert watch(batch).paused_at is None  # what failed before is forgiven
    end(free(batch))
    assert watch(batch).released_at
    assert held(batch) == 0


def test_a_resumed_batch_stops_again_for_the_old_cause(actor, template):
    batch = given(actor, template, 10)
    end(free(batch), JobState.FAILED, "200016")
    watch(batch)
    bulk_services.resume(batch, actor=actor, now=timezone.now())
    end(free(batch), JobState.FAILED, "200016")

    assert watch(batch).paused_at
    assert held(batch) == 4


def test_only_what_stands_still_can_be_resumed(actor, template):
    batch = given(actor, template, 10)

    with pytest.raises(ActionRefused) as refused:
        bulk_services.resume(batch, actor=actor, now=timezone.now())

    assert refused.value.code == "not_paused"


def test_a_paused_batch_can_be_cancelled(actor, template):
    batch = given(actor, template, 10)
    end(free(batch), JobState.FAILED, "200016")
    watch(batch)

    assert bulk_services.cancel(batch, actor=actor, now=timezone.now()) == 7

    assert watch(batch).finished_at
    assert batch.paused_at is None


def test_a_batch_ends_with_its_last_row(actor, template):
    batch = given(actor, template, 2)
    end(free(batch, 1))
    assert watch(batch).finished_at is None
    end(free(batch))

    assert watch(batch).finished_at
    assert bulk_services.unfinished_ids() == []


def test_unfinished_batches_are_listed_oldest_first(actor, template):
    ones = [given(actor, template, 2) for _ in range(2)]

    assert bulk_services.unfinished_ids() == [batch.pk for batch in ones]


def test_watching_again_changes_nothing(actor, template):
    batch = given(actor, template, 10)
    end(free(batch), JobState.FAILED, "200016")
    watch(batch)
    before = batch.paused_at

    watch(batch, seconds=5)

    assert batch.paused_at == before
    assert AuditEvent.objects.filter(action="batch.pause").count() == 1


def test_watching_when_there_is_nothing_to_do_takes_three_queries(actor, template):
    batch = released(actor, template, 20)
    end(free(batch, 5))

    now = timing.now()
    with CaptureQueriesContext(connection) as queries:
        bulk_services.watch(batch.pk, now)

    assert len(queries) <= 3


def test_watching_an_unknown_batch_is_harmless(db):
    bulk_services.watch(4711, timing.now())
