"""Batches from the click to the backend: real simulator, real engine."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from provisioning import codes, sweep, timing
from provisioning.bulk import services as bulk_services
from provisioning.bulk.services import BatchState
from provisioning.jobs import user_services
from provisioning.models import Job, JobBatch
from provisioning.states import JobKind
from tests.provisioning.rig import subscriber


def users(count):
    return [f"45331212{number:02d}@nordictel.example" for number in range(count)]


def known(rig, count, **more):
    """So many users in error whom both sides know."""
    rig.load(*[subscriber(user, **more) for user in users(count)])
    rig.sync()
    return [rig.row(user) for user in users(count)]


def accept(rig, rows, kind=JobKind.RETRY, **params):
    ids = [row.pk for row in rows]
    now = timezone.now()
    return bulk_services.accept(rig.template, kind, ids, params=params, actor=rig.actor, now=now)


def refuse(rig, rows):
    """Their addresses belong to somebody else, which the backend tells at once."""
    kind = {"kind": "other_organisation", "at_once": True}
    rig.load(addresses=[{"email": row.email} | kind for row in rows])


def drive(rig, batch, until, seconds=100.0):
    """Work until the batch is as wanted; the backend's own delays are skipped."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rig.step()
        sweep.run()
        batch.refresh_from_db()
        if until(batch):
            return bulk_services.progress(batch, timing.now())
        rig.simulator.advance(30)
        time.sleep(0.02)
    raise AssertionError(f"{bulk_services.progress(batch, timing.now())}")


def is_over(batch):
    return batch.finished_at


def is_paused(batch):
    return batch.paused_at


def test_a_batch_cures_all_its_users(rig):
    rows = known(rig, 8)

    found = drive(rig, accept(rig, rows), is_over)

    assert (found.state, found.done, found.total) == (BatchState.DONE, 8, 8)
    for row in rows:
        row.refresh_from_db()
        assert (row.status, row.error_code) == ("provisioned", "")


def test_nobody_is_touched_beyond_the_first_three_when_they_all_fail(rig):
    rows = known(rig, 8)
    refuse(rig, rows)
    batch = accept(rig, rows)

    found = drive(rig, batch, is_paused)

    assert (found.state, found.failed, found.untouched) == (BatchState.PAUSED, 3, 5)
    assert batch.pause_code == "200039"
    before = len(rig.simulator.requests(operation="provision"))
    for _ in range(5):
        rig.step()
        sweep.run()
    assert len(rig.simulator.requests(operation="provision")) == before


def test_a_resumed_batch_goes_on_where_it_stood_still(rig):
    rows = known(rig, 8)
    refuse(rig, rows[:3])
    batch = accept(rig, rows)
    drive(rig, batch, is_paused)

    bulk_services.resume(batch, actor=rig.actor, now=timezone.now())

    found = drive(rig, batch, is_over)
    assert (found.state, found.done, found.failed) == (BatchState.DONE_WITH_ERRORS, 5, 3)


def test_a_deletion_that_is_undone_in_time_reaches_nobody(rig, settings):
    settings.DELETE_GRACE_SECONDS = 600.0  # 12 s by the scale of tests
    batch = accept(rig, known(rig, 5), JobKind.DELETE)
    rig.step()

    bulk_services.cancel(batch, actor=rig.actor, now=timezone.now())

    found = drive(rig, batch, is_over)
    assert (found.state, found.cancelled) == (BatchState.UNDONE, 5)
    assert rig.simulator.requests(operation="remove") == []


def test_a_deletion_goes_out_when_its_time_of_grace_is_over(rig):
    rows = known(rig, 5)

    found = drive(rig, accept(rig, rows, JobKind.DELETE), is_over)

    assert found.done == 5
    for row in rows:
        row.refresh_from_db()
        assert row.deleted_here


def test_what_changed_since_the_click_is_skipped_with_its_reason(rig):
    rows = known(rig, 6)
    batch = accept(rig, rows)
    last = rows[-1]
    type(last).objects.filter(pk=last.pk).update(status="provisioned")

    found = drive(rig, batch, is_over)

    assert (found.done, found.skipped) == (5, 1)
    assert found.skips == [(codes.SKIP_STATUS, 1)]


def test_the_failed_ones_are_done_anew_and_only_they(rig):
    rows = known(rig, 6)
    refuse(rig, rows[4:])
    batch = accept(rig, rows)
    drive(rig, batch, is_over)
    for row in rows[4:]:
        row.refresh_from_db()
        type(row).objects.filter(pk=row.pk).update(email=f"new-{row.pk}@firma.example")

    again = bulk_services.retry_failed(batch, actor=rig.actor, now=timezone.now())

    found = drive(rig, again, is_over)
    assert (found.total, found.done, again.parent_id) == (2, 2, batch.pk)


def test_a_paused_batch_ends_when_its_deadline_is_over(rig):
    rows = known(rig, 8)
    refuse(rig, rows)
    batch = accept(rig, rows)
    drive(rig, batch, is_paused)
    Job.objects.filter(batch=batch, held=True).update(
        deadline_at=timing.now() - timedelta(seconds=1)
    )

    found = drive(rig, batch, is_over)

    assert (found.failed, found.left) == (8, 0)
    assert (codes.EXPIRED, 5) in found.causes


def test_a_change_of_package_reaches_those_who_do_not_have_it(rig):
    rows = known(rig, 4, status="provisioned", package="standard")
    now = timezone.now()
    rig.drive(user_services.change_package(rows[0], package="premium", actor=rig.actor, now=now))

    found = drive(rig, accept(rig, rows, JobKind.PACKAGE, package="premium"), is_over)

    assert (found.done, found.skips) == (3, [(codes.SKIP_SAME_PACKAGE, 1)])
    for row in rows:
        row.refresh_from_db()
        assert row.package == "premium"


def test_all_batches_are_over_and_none_is_forgotten(rig):
    rows = known(rig, 6)
    one, other = accept(rig, rows[:3]), accept(rig, rows[3:])

    drive(rig, one, is_over)
    drive(rig, other, is_over)

    assert not JobBatch.objects.filter(finished_at=None).exists()
