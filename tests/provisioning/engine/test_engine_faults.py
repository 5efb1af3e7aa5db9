"""Jobs are never lost, doubled or stuck, whatever fails between two writes."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import DatabaseError, Error
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning import codes, shown_status, sweep
from provisioning.engine import claiming, failure_policy, operations, recording
from provisioning.jobs import leases, outbox, user_services
from provisioning.models import Job
from provisioning.projection import merge
from provisioning.states import JobKind
from tests.provisioning.engine.requests import FREJA, SAME, ask_retry
from tests.provisioning.rig import subscriber

# ---- Nothing is sent twice ----


def test_a_stale_hint_cannot_resend_what_a_dead_worker_sent(rig, job):
    rig.taken()
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert rig.step() == 0
    assert rig.simulator.requests(operation="provision") == []


def test_a_lost_answer_is_not_resent_although_sync_saw_its_effect_first(rig):
    row = rig.given(FREJA)
    job = ask_retry(rig, row, email=SAME)
    rig.simulator.fault(operation="provision", drop_after=True)
    rig.step()
    rig.simulator.advance(60)
    rig.sync()
    assert rig.row(FREJA).backend_changed_at > row.backend_changed_at

    rig.drive(job)

    assert len(rig.simulator.requests(operation="provision")) == 1


def test_an_old_error_is_not_taken_for_the_effect_of_a_request_that_got_lost(rig):
    row = rig.given(FREJA)
    job = outbox.enqueue(
        JobKind.PROVISION,
        outbox.Target.of(row),
        actor=rig.actor,
        now=timezone.now(),
        params={"first_name": "F", "last_name": "N", "package": "standard", "email": SAME},
    )
    rig.simulator.fault(operation="provision", drop_before=True)

    rig.drive(job)

    assert (job.state, job.sends, rig.effects("provision")) == ("done", 2, 1)


# ---- An outage uses up nothing ----


@pytest.mark.parametrize("status", [429, 401])
def test_what_was_certainly_not_processed_does_not_use_up_a_send(rig, job, status):
    rig.simulator.fault(operation="provision", status=status, times=20)
    for _ in range(12):
        BackendConnection.objects.update(not_before=None)
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
        rig.step()

    job.refresh_from_db()
    assert (job.state, job.sends) == ("queued", 0)


def test_a_backend_that_is_away_fails_no_job(rig, job):
    url = rig.connection.api_base_url
    BackendConnection.objects.update(api_base_url="http://127.0.0.1:9/v1")
    for _ in range(12):
        BackendConnection.objects.update(not_before=None)
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
        rig.step()
    BackendConnection.objects.update(api_base_url=url, not_before=None)

    Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
    assert rig.drive(job).state == "done"


# ---- Whatever is raised, the job ends ----


@pytest.mark.parametrize("error", [KeyError("x"), UnicodeError("x"), TypeError("x")])
def test_an_unforeseen_error_before_the_intent_ends_as_poison(rig, job, monkeypatch, error):
    def broken(job, now):
        raise error

    monkeypatch.setattr(operations, "steps", broken)
    for _ in range(6):
        Job.objects.update(not_before=timezone.now())
        rig.step()

    job.refresh_from_db()
    assert (job.state, job.result_code, job.sends) == ("failed", "PH-POISON", 0)


def test_an_unforeseen_error_after_the_intent_ends_as_unclear(rig, job, monkeypatch, settings):
    settings.TIME_SCALE = 0.005

    def broken(*args, **kwargs):
        raise TypeError("odd answer")

    monkeypatch.setattr(merge, "apply_answers", broken)
    end = time.monotonic() + 100
    while job.is_unfinished and time.monotonic() < end:
        rig.step()
        sweep.run()
        job.refresh_from_db()

    assert (job.state, job.result_code) == ("failed", "PH-UNCLEAR")
    assert rig.effects("provision") == 1


def test_a_database_error_while_recording_is_checked_not_resent(rig, job, monkeypatch):
    real, calls = merge.apply_answers, []

    def once_broken(*args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            raise DatabaseError("no")
        return real(*args, **kwargs)

    monkeypatch.setattr(merge, "apply_answers", once_broken)

    rig.drive(job)

    assert (job.state, rig.effects("provision")) == ("done", 1)
    assert len(rig.simulator.requests(operation="provision")) == 1


def test_an_overlong_tracking_id_does_not_stop_the_ending(rig, job):
    rig.simulator.fault(
        operation="provision",
        status=400,
        body={"message": "no", "trackingId": "T" * 190, "errors": [{"errorCode": "9" * 64}]},
    )

    rig.step()

    job.refresh_from_db()
    assert job.state == "failed"


def test_one_poisonous_job_does_not_stop_the_sweep(rig, job, monkeypatch):
    other = user_services.delete_user(
        rig.given("2@nordictel.example"), actor=rig.actor, now=timezone.now()
    )
    Job.objects.update(deadline_at=timezone.now())
    real = shown_status.record_job_error

    def broken(row, *args, **kwargs):
        if row.broadworks_id == FREJA:
            raise ValueError("poison")
        real(row, *args, **kwargs)

    monkeypatch.setattr(shown_status, "record_job_error", broken)
    sweep.run()

    other.refresh_from_db()
    assert other.state == "failed"


def test_crashes_count_only_in_a_row(rig, job):
    for _ in range(4):
        taken = rig.taken().job
        leases.requeue(taken, not_before=timezone.now(), reason="test")
        leases.release_one(taken)
        rig.taken()
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now())
        sweep.run()
        job.refresh_from_db()
        assert (job.state, job.crashes) == ("checking", 1)
        Job.objects.update(not_before=timezone.now(), state="queued")


def test_a_job_whose_request_kills_its_worker_is_sent_three_times_and_no_more(rig, job):
    for death in (1, 2, 3):
        assert rig.taken().job.state == "sending"
        Job.objects.update(lease_until=timezone.now())
        sweep.run()
        Job.objects.update(not_before=timezone.now())
        if death < 3:  # after the quiet time Webex is asked, and says that it did not happen
            failure_policy.did_not_happen(rig.taken().job, timezone.now())

    job.refresh_from_db()
    assert (job.state, job.result_code, job.sends) == ("failed", codes.UNCLEAR, 3)


def test_a_web_server_whose_clock_is_slow_fails_no_job(rig):
    row = rig.given(FREJA)
    long_ago = timezone.now() - timedelta(days=2)
    job = user_services.retry_activation(row, email=SAME, actor=rig.actor, now=long_ago)

    sweep.run()

    job.refresh_from_db()
    assert job.state == "queued"


# ---- PostgreSQL restarts while an answer is on its way ----


def cut_connections() -> None:
    """What a restart of PostgreSQL does to whoever is connected."""
    from django.db import connection

    with suppress(Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("moment", ["report_to_gate", "record"])
def test_a_clear_answer_outlives_the_connection_to_postgresql(rig, job, monkeypatch, moment):
    module = {"report_to_gate": failure_policy, "record": recording}[moment]
    real, cuts = getattr(module, moment), []

    def cut_once(*args):
        if not cuts:
            cuts.append(1)
            cut_connections()
        return real(*args)

    monkeypatch.setattr(module, moment, cut_once)

    rig.step()

    job.refresh_from_db()
    assert (cuts, job.state) == ([1], "waiting")
    assert rig.drive(job).state == "done"
    assert len(rig.simulator.requests(operation="provision")) == 1


def test_what_webex_told_is_heard_before_anything_else_goes_out(rig, monkeypatch):
    rig.grace_ms = 900  # how far apart those of one group arrive is up to how busy the machine is
    users = [f"45331213{n:02d}@nordictel.example" for n in range(12)]
    rig.load(*(subscriber(user_id) for user_id in users))
    rig.sync()
    for user_id in users:
        ask_retry(rig, rig.row(user_id), email=f"good.{user_id}")
    rig.simulator.fault(operation="provision", status=429, headers={"Retry-After": "1"}, times=9)
    claims, real = [], claiming.claim

    def claim_late(connection_id, **given):
        time.sleep(0.1)  # by now every answer of the group before is there
        group = real(connection_id, **given)
        claims.append(group)
        return group

    monkeypatch.setattr(claiming, "claim", claim_late)

    rig.step()

    assert claims[0]
    assert not any(claims[1:])
    assert len(rig.simulator.requests(operation="provision")) == rig.connection.max_in_flight
