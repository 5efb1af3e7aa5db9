"""The user's row is locked before the job, by everybody: two who do both wait in no circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning import timing
from provisioning.backend.client import client_for
from provisioning.engine import claiming, failure_policy
from provisioning.invariants import check as invariants_check
from provisioning.jobs import completion, leases, user_services
from provisioning.models import Job, Subscriber
from provisioning.projection import follow_ups, merge
from tests.provisioning.rig import Rig
from webex.errors import Facts, Forbidden

FREJA = "4533121212@nordictel.example"


@pytest.fixture
def job(rig: Rig) -> Job:
    row = rig.given(FREJA)
    address = "freja@good.example"
    return user_services.retry_activation(row, email=address, actor=rig.actor, now=timezone.now())


@contextmanager
def row_held(job: Job, act: Callable[[], object]) -> Iterator[None]:
    """Hold the job's row, as who records an answer does, while `act` waits for it in a thread of
    its own; it must then end well.
    """
    failures: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 -- judged below
            failures.append(error)
        finally:
            database.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        Subscriber.objects.select_for_update(no_key=True).get(pk=job.subscriber_id)
        thread.start()
        _until_it_waits()
        yield
    thread.join(100)
    assert failures == []


def _until_it_waits() -> None:
    end = time.monotonic() + 100
    # Who waits for a row waits for its writer's end, a lock of no database: so by its other locks.
    waits = (
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN ("
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        "WHERE datname = current_database()))"
    )
    while time.monotonic() < end:
        with database.cursor() as cursor:
            cursor.execute(waits)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the row")


def write(job: Job) -> None:
    """What recording an answer does next."""
    assert Job.objects.filter(pk=job.pk).update(polls=3) == 1


def test_sync_that_settles_a_job_waits_for_the_row_first(rig, job):
    held = rig.taken().job
    leases.to_wait(held, not_before=timing.now())
    leases.release_one(held)
    Subscriber.objects.filter(pk=job.subscriber_id).update(backend_status="provisioned")

    with row_held(job, lambda: follow_ups.settle(job.pk, now=timing.now())):
        write(job)

    job.refresh_from_db()
    assert (job.state, job.polls) == ("done", 3)


def test_giving_a_job_up_waits_for_the_row_first(job):
    end = completion.poisoned(job)
    with row_held(job, lambda: failure_policy.give_up(job, end, now=timing.now())):
        assert completion.cancel(job, now=timing.now())

    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_worker_that_ends_its_job_waits_for_the_row_first(rig, job):
    held = rig.taken().job
    with row_held(job, lambda: failure_policy.apply(held, Forbidden(Facts(status=403)))):
        write(job)

    job.refresh_from_db()
    assert job.state == "failed"


def test_a_claim_that_ends_a_job_keeps_nobody_from_the_gate(rig, job):
    Subscriber.objects.filter(pk=job.subscriber_id).update(status="updating")
    with row_held(job, lambda: claiming.claim(rig.connection.pk)):
        gates = BackendConnection.objects.select_for_update(no_key=True, nowait=True)
        assert gates.get(pk=rig.connection.pk)
        write(job)

    job.refresh_from_db()
    assert job.state == "cancelled"


def test_who_had_to_wait_for_the_row_stands_last_in_its_timeline(rig, job):
    told = client_for(rig.connection).get_subscriber(rig.row(FREJA).webex_id)

    def bring(status: str, seconds: int) -> None:
        changed = told.last_status_change + timedelta(seconds=seconds)
        remote = replace(told, status=status, errors=(), last_status_change=changed)
        answer = merge.Answer(remote, asked_at=timing.now())
        merge.apply_answer(rig.connection, answer, now=timing.now())

    with row_held(job, lambda: bring("provisioned", 2)):
        bring("provisioning", 1)

    assert invariants_check.check(timing.now(), timely=False) == []
    assert rig.row(FREJA).events.first().after == rig.row(FREJA).status == "provisioned"
