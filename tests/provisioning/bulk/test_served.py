"""A batch from its acceptance to its end, by the engine and a backend that answers."""

from __future__ import annotations

import time
import uuid

import pytest

from provisioning import sweep, timing
from provisioning.bulk import services as bulk_services
from provisioning.engine import worker_turn
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import JobKind
from tests.provisioning.rig import Rig, subscriber

MANY = 12


@pytest.fixture
def ids(rig: Rig) -> list[int]:
    users = [f"45331212{number:02d}@nordictel.example" for number in range(MANY)]
    rig.load(*(subscriber(user_id) for user_id in users))
    rig.sync()
    return list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))


def retry(rig: Rig, ids: list[int]) -> JobBatch:
    return bulk_services.accept(
        rig.template, JobKind.RETRY, ids, params={}, actor=rig.actor, now=timing.now(),
        submission_id=uuid.uuid4(),
    )  # fmt: skip


def serve_until(rig: Rig, batch: JobBatch, is_so) -> None:
    end = time.monotonic() + 100
    while time.monotonic() < end:
        worker_turn.serve(rig.connection.pk)
        sweep.run()
        batch.refresh_from_db()
        if is_so(batch):
            return
        rig.simulator.advance(30)
    raise AssertionError(list(batch.jobs.values_list("state", "result_text", "held")))


def states(batch: JobBatch) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in batch.jobs.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_a_batch_ends_with_every_row_done(rig, ids):
    batch = retry(rig, ids)

    serve_until(rig, batch, lambda b: b.finished_at)

    assert states(batch) == {"done": MANY}
    assert rig.effects("provision") == MANY


def test_the_first_three_go_first(rig, ids):
    rig.simulator.fault(operation="provision", drop_after=True, times=3)
    batch = retry(rig, ids)

    worker_turn.serve(rig.connection.pk)

    assert len(rig.simulator.requests(operation="provision")) == 3
    serve_until(rig, batch, lambda b: b.finished_at)
    assert states(batch) == {"done": MANY}
    assert rig.effects("provision") == MANY


def test_a_batch_that_always_fails_stops_by_itself_and_goes_on_when_told(rig, ids):
    rig.simulator.fault(
        operation="provision",
        status=400,
        body={"message": "taken", "errors": [{"errorCode": 200042, "description": "taken"}]},
        times=3,
    )
    batch = retry(rig, ids)

    serve_until(rig, batch, lambda b: b.paused_at)

    assert (batch.pause_code, states(batch)) == ("200042", {"failed": 3, "queued": MANY - 3})
    bulk_services.resume(batch, actor=rig.actor, now=timing.now())
    serve_until(rig, batch, lambda b: b.finished_at)
    assert states(batch) == {"failed": 3, "done": MANY - 3}


def test_the_failed_ones_are_repeated_as_a_batch_that_knows_its_parent(rig, ids):
    rig.simulator.fault(operation="provision", status=400, script="x..", times=4)
    batch = retry(rig, ids)
    serve_until(rig, batch, lambda b: b.finished_at)
    failed = states(batch)["failed"]

    again = bulk_services.retry_failed(
        batch, actor=rig.actor, now=timing.now(), submission_id=uuid.uuid4()
    )
    serve_until(rig, again, lambda b: b.finished_at)

    assert (again.parent, states(again)) == (batch, {"done": failed})


def test_what_changed_meanwhile_is_skipped_with_its_reason(rig, ids):
    batch = retry(rig, ids)
    Subscriber.objects.filter(pk=ids[-1]).update(status="provisioned", backend_status="provisioned")

    serve_until(rig, batch, lambda b: b.finished_at)

    skipped = Job.objects.get(subscriber=ids[-1])
    assert (skipped.state, skipped.result_code, skipped.sends) == (
        "cancelled",
        "PH-SKIP-STATUS",
        0,
    )


def test_a_cancelled_batch_sends_nothing_more(rig, ids):
    batch = retry(rig, ids)
    worker_turn.serve(rig.connection.pk)
    sent = rig.effects("provision")

    bulk_services.cancel(batch, actor=rig.actor, now=timing.now())
    serve_until(rig, batch, lambda b: b.finished_at)

    assert rig.effects("provision") == sent
    assert states(batch) == {"done": sent, "cancelled": MANY - sent}


def test_a_single_action_goes_before_the_rows_of_a_batch(rig, ids):
    from provisioning.engine import claiming
    from provisioning.jobs import user_services

    single = rig.row("4533121211@nordictel.example")
    retry(rig, [key for key in ids if key != single.pk])
    job = user_services.retry_activation(
        single, email="good@firma.example", actor=rig.actor, now=timing.now()
    )

    group = claiming.claim(rig.connection.pk)

    assert group.exchanges[0].job.pk == job.pk
