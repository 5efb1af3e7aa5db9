from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning import sweep, timing
from provisioning.backend.client import client_for
from provisioning.engine import claiming, exchange, recording, worker_turn
from provisioning.jobs import job_services, leases, user_services
from provisioning.models import Job

FREJA = "4533121212@nordictel.example"


@pytest.fixture
def job(rig) -> Job:
    row = rig.given(FREJA)
    return user_services.retry_activation(
        row, email="freja@good.example", actor=rig.actor, now=timezone.now()
    )


def test_an_answer_lost_after_the_effect_is_not_repeated(rig, job):
    rig.simulator.fault(operation="provision", drop_after=True)

    rig.drive(job)

    assert job.state == "done"
    assert rig.effects("provision") == 1


def test_a_request_lost_before_the_effect_is_repeated_once(rig, job):
    rig.simulator.fault(operation="provision", drop_before=True)

    rig.drive(job)

    assert (job.state, job.sends) == ("done", 2)
    assert rig.effects("provision") == 1


def test_an_unclear_answer_is_left_alone_for_the_quiet_time(rig, job, settings):
    settings.TIME_SCALE = 1.0
    rig.simulator.fault(operation="provision", status=502)

    rig.step()

    job.refresh_from_db()
    assert job.state == "checking"
    assert job.not_before - job.intent_at >= timedelta(seconds=90)


def test_a_429_closes_the_gate_for_the_whole_connection(rig, job, settings):
    settings.TIME_SCALE = 1.0
    rig.simulator.fault(operation="provision", status=429, headers={"Retry-After": "7"})

    rig.step()

    gate = BackendConnection.objects.get(pk=rig.connection.pk)
    job.refresh_from_db()
    assert job.state == "queued"
    assert timedelta(seconds=5) < gate.not_before - timezone.now() <= timedelta(seconds=7)
    assert rig.step() == 0


def test_a_refused_token_holds_the_connection_and_keeps_the_job(rig, job):
    rig.simulator.fault(operation="provision", status=401)

    rig.step()

    gate = BackendConnection.objects.get(pk=rig.connection.pk)
    job.refresh_from_db()
    assert (job.state, gate.health) == ("queued", "held")


def test_garbage_instead_of_json_is_an_unknown_outcome(rig, job):
    rig.simulator.fault(operation="provision", body="<html>oops</html>")

    rig.drive(job)

    assert job.state == "done"
    assert rig.effects("provision") == 1


def test_doubled_hints_are_one_request(rig, job, settings):
    settings.TIME_SCALE = 1.0
    assert worker_turn.serve(rig.connection.pk) == 1
    assert worker_turn.serve(rig.connection.pk) == 0

    assert len(rig.simulator.requests(operation="provision")) == 1


def test_a_job_is_queued_or_its_intent_is_committed(rig, job):
    taken = rig.taken().job

    job.refresh_from_db()
    assert (job.state, job.sends, job.step) == ("sending", 1, "post")
    assert job.intent_at is not None
    assert job.intent_hash == taken.intent_hash != ""
    assert rig.simulator.requests(operation="provision") == []


def test_a_dead_workers_sent_job_is_checked_before_it_is_repeated(rig, job):
    rig.taken()
    later = timezone.now() + timing.scaled(leases.LEASE_SECONDS + 1)

    leases.recover(later)

    job.refresh_from_db()
    assert (job.state, job.crashes, job.lease_until) == ("checking", 1, None)


def test_a_worker_that_lost_its_lease_can_write_nothing(rig, job):
    first = rig.taken().job
    leases.recover(timezone.now() + timing.scaled(leases.LEASE_SECONDS + 1))
    Job.objects.update(not_before=timezone.now())
    rig.taken()

    leases.to_wait(first, not_before=timezone.now())
    with pytest.raises(leases.LeaseLost):
        leases.release_one(first)


def test_a_clear_answer_that_comes_late_is_recorded_unless_somebody_else_took_the_job(rig, job):
    taken = rig.taken()
    leases.recover(timezone.now() + timing.scaled(leases.LEASE_SECONDS + 1))

    recording.record([exchange.run(taken, client_for(rig.connection))])

    job.refresh_from_db()
    assert job.state == "waiting"
    assert rig.drive(job).state == "done"
    assert rig.effects("provision") == 1


def test_a_dead_workers_jobs_are_found_by_its_lock_without_waiting_for_the_lease(rig, job):
    rig.taken()
    Job.objects.update(lease_owner=1)  # a lock that nobody holds

    sweep.run()

    job.refresh_from_db()
    assert job.state == "checking"


def test_a_job_that_kills_its_worker_three_times_is_given_up(rig, job):
    for _ in range(3):
        rig.taken()
        Job.objects.update(lease_until=timezone.now())
        sweep.run()
        Job.objects.update(not_before=timezone.now())

    job.refresh_from_db()
    assert (job.state, job.result_code) == ("failed", "PH-UNCLEAR")


def test_a_job_that_cost_a_worker_is_taken_alone(rig, job):
    Job.objects.update(crashes=1)
    other = rig.given("4533121213@nordictel.example", status="error")
    user_services.retry_activation(
        other, email="o@good.example", actor=rig.actor, now=timezone.now()
    )

    assert rig.taken().job.pk == job.pk


def test_a_job_that_cost_a_worker_is_not_taken_beside_what_would_be_lost_with_it(rig, job):
    Job.objects.update(crashes=1)
    other = rig.given("4533121213@nordictel.example", status="error")
    innocent = user_services.retry_activation(
        other, email="o@good.example", actor=rig.actor, now=timezone.now()
    )

    group = claiming.claim(rig.connection.pk, alone=False)

    assert [one.job.pk for one in group.exchanges] == [innocent.pk]
    assert claiming.claim(rig.connection.pk, alone=False) is None


def test_nothing_is_taken_while_a_job_that_cost_a_worker_is_under_way(rig, job, monkeypatch):
    Job.objects.update(crashes=1)
    for number in range(3):
        other = rig.given(f"453312130{number}@nordictel.example")
        email = f"o{number}@good.example"
        user_services.retry_activation(other, email=email, actor=rig.actor, now=timezone.now())
    open_at_claim = []
    real = claiming.claim

    def claim(*args, **options):
        leased = Job.objects.exclude(lease_until=None)
        open_at_claim.append(leased.filter(crashes__gt=0).count())
        return real(*args, **options)

    monkeypatch.setattr(claiming, "claim", claim)

    while rig.step():
        pass

    assert set(open_at_claim) == {0}
    assert rig.effects("provision") == 4


def test_a_job_past_its_deadline_fails_with_words(rig, job):
    Job.objects.filter(pk=job.pk).update(deadline_at=timezone.now())

    sweep.run()

    job.refresh_from_db()
    assert (job.state, job.result_code) == ("failed", "PH-EXPIRED")
    assert rig.row(FREJA).error_code == "PH-EXPIRED"


def test_no_more_requests_are_in_flight_than_the_connection_allows(rig, job):
    BackendConnection.objects.update(max_in_flight=1)
    other = rig.given("4533121213@nordictel.example")
    user_services.retry_activation(
        other, email="o@good.example", actor=rig.actor, now=timezone.now()
    )

    assert rig.taken().job.pk == job.pk
    assert claiming.claim(rig.connection.pk) is None


def test_a_queued_job_can_be_cancelled_and_is_never_sent(rig, job):
    job_services.cancel_job(job, actor=rig.actor, now=timezone.now())

    rig.step()

    assert job.state == "cancelled"
    assert rig.simulator.requests(operation="provision") == []


def test_accepting_works_while_redis_is_away(rig, settings):
    from celery import current_app

    row = rig.given("4533121299@nordictel.example")
    broker = current_app.conf.broker_url
    current_app.conf.broker_url = current_app.conf.broker_write_url = "redis://127.0.0.1:9/0"
    try:
        accepted = user_services.delete_user(row, actor=rig.actor, now=timezone.now())
    finally:
        current_app.conf.broker_url = current_app.conf.broker_write_url = broker

    assert rig.drive(accepted).state == "done"


def test_an_action_of_somebody_who_lost_the_right_is_never_sent(rig, job):
    rig.administrator.role = "read_only"
    rig.administrator.save()

    rig.step()

    job.refresh_from_db()
    assert (job.state, job.result_code) == ("failed", "PH-ASKER-LEFT")
    assert rig.simulator.requests(operation="provision") == []


def test_what_was_sent_is_followed_up_whoever_left(rig, job):
    rig.simulator.fault(operation="provision", drop_after=True)
    rig.step()
    rig.administrator.is_active = False
    rig.administrator.save()

    assert rig.drive(job).state == "done"
