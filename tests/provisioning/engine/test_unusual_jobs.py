"""Jobs of two steps, jobs past their deadline, jobs whose row moved or is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import BackendConnection, RetryBy
from provisioning import selectors, sweep
from provisioning.engine import claiming, recording
from provisioning.jobs import completion, job_services, leases, outbox, user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Activation, Job, StatusEvent, Subscriber
from provisioning.projection import merge
from provisioning.states import ActivationState, JobKind
from templates_app.models import OnboardingTemplate
from tests.provisioning.engine.requests import FREJA, ask_retry
from tests.provisioning.rig import subscriber

# ---- Two steps ----


@pytest.fixture
def two_step_job(rig) -> Job:
    BackendConnection.objects.update(retry_by=RetryBy.DELETE_THEN_POST)
    rig.connection.refresh_from_db()
    return ask_retry(rig, rig.given(FREJA))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_between_delete_and_post_goes_on_with_the_post(
    rig, two_step_job, monkeypatch, when
):
    real, crashes = recording._half_done, []

    def dies_once(job, following, now):
        if when == "after" or crashes:
            real(job, following, now)
        if not crashes:
            crashes.append(1)
            raise RuntimeError("power cut")

    monkeypatch.setattr(recording, "_half_done", dies_once)

    rig.drive(two_step_job)

    assert crashes
    assert two_step_job.state == "done"
    assert (rig.effects("remove"), rig.effects("provision")) == (1, 1)
    assert Subscriber.objects.count() == 1


def test_a_409_to_the_delete_does_not_end_the_job_as_deleted(rig, two_step_job):
    rig.simulator.fault(operation="remove", drop_after=True)
    rig.step()
    Job.objects.update(state="queued", step="delete", sends=1, not_before=timezone.now())
    rig.simulator.fault(operation="remove", status=409)

    rig.drive(two_step_job)

    assert two_step_job.state == "done"
    assert rig.row(FREJA).status == "provisioned"


def test_a_page_from_before_the_delete_does_not_bring_the_old_subscriber_back(rig, two_step_job):
    from provisioning.backend.client import client_for

    old = rig.row(FREJA)
    told = client_for(rig.connection).get_subscriber(old.webex_id)
    asked_at = timezone.now()
    recording._half_done(rig.taken().job, "post", timezone.now())

    merge.apply_answer(rig.connection, merge.Answer(told, asked_at=asked_at), now=timezone.now())

    assert rig.row(FREJA).webex_id is None


def test_the_package_of_a_user_without_a_subscriber_cannot_be_changed(rig):
    row = rig.given(FREJA)
    Subscriber.objects.update(webex_id=None)

    with pytest.raises(ActionRefused) as refused:
        user_services.change_package(row, package="premium", actor=rig.actor, now=timezone.now())

    assert refused.value.code == "no_subscriber"


def test_repeating_an_old_delete_deletes_the_subscriber_that_exists_now(rig):
    row = rig.given(FREJA)
    job = user_services.delete_user(row, actor=rig.actor, now=timezone.now())
    Job.objects.filter(pk=job.pk).update(
        state="failed", params={"webex_id": "an-older-one"}, finished_at=timezone.now()
    )
    job.refresh_from_db()

    again = rig.drive(job_services.retry_job(job, actor=rig.actor, now=timezone.now()))

    assert (again.state, rig.effects("remove")) == ("done", 1)


def test_a_job_is_not_repeated_when_the_status_stands_against_it(rig, job):
    Job.objects.filter(pk=job.pk).update(state="failed", finished_at=timezone.now())
    Subscriber.objects.update(status="provisioned", backend_status="provisioned")
    job.refresh_from_db()

    with pytest.raises(ActionRefused):
        job_services.retry_job(job, actor=rig.actor, now=timezone.now())


# ---- Deadlines ----


def test_a_checking_job_is_asked_about_after_its_deadline(rig, job):
    rig.simulator.fault(operation="provision", drop_after=True)
    rig.step()
    Job.objects.filter(pk=job.pk).update(deadline_at=timezone.now())

    rig.drive(job)

    assert job.state == "done"


def test_nothing_is_sent_again_after_the_deadline(rig, job):
    rig.simulator.fault(operation="provision", drop_before=True)
    rig.step()
    Job.objects.filter(pk=job.pk).update(deadline_at=timezone.now())

    rig.drive(job)

    assert (job.state, job.result_code, job.sends) == ("failed", "PH-EXPIRED", 1)


def test_a_user_who_stays_provisioning_for_ever_is_unclear_in_the_end(rig, job, settings):
    rig.step()
    job.refresh_from_db()
    assert job.state == "waiting"
    late = timezone.now() - timedelta(seconds=200)
    Job.objects.filter(pk=job.pk).update(deadline_at=late)

    sweep.run()

    job.refresh_from_db()
    assert (job.state, job.result_code) == ("failed", "PH-UNCLEAR")


# ---- Jobs without a row, moved rows, cancelled jobs ----


def portal_job(rig, user_id="9@nordictel.example"):
    run = Activation.objects.create(
        partner=rig.partner,
        template=rig.template,
        broadworks_id=user_id,
        enterprise_id="Nordictel+firma",
        email="nine@good.example",
        state=ActivationState.CONFIRMED,
    )
    target = outbox.Target(rig.connection, rig.template, "Nordictel+firma", user_id)
    params = {"first_name": "N", "last_name": "N", "package": "standard", "email": run.email}
    job = outbox.enqueue(
        JobKind.PROVISION, target, actor=rig.actor, now=timezone.now(), params=params,
        activation=run,
    )  # fmt: skip
    return job, run


def test_an_answer_without_a_provisioning_id_is_of_the_jobs_template(rig):
    rig.load()
    job, run = portal_job(rig)
    real = rig.simulator.call(
        "POST", "/broadworks/subscribers", "token-of-nordictel",
        json={"provisioningId": "prov-smb", "userId": "9@nordictel.example",
              "spEnterpriseId": "Nordictel+firma", "firstName": "N", "lastName": "N",
              "package": "standard", "email": "nine@good.example"},
    ).json()  # fmt: skip
    real.pop("provisioningId", None)
    rig.simulator.fault(operation="provision", status=200, body=real)

    rig.step()

    job.refresh_from_db()
    assert job.subscriber is not None
    assert rig.row("9@nordictel.example").template == rig.template
    rig.drive(job)
    run.refresh_from_db()
    assert (job.state, run.state) == ("done", "done")


def test_a_cancelled_job_ends_its_run_of_the_portal(rig):
    rig.load()
    job, run = portal_job(rig)

    assert completion.cancel(job, now=timezone.now())

    run.refresh_from_db()
    assert run.state == ActivationState.REFUSED


def test_a_row_that_moved_to_another_template_is_still_busy(rig, job):
    other = OnboardingTemplate.objects.create(
        partner=rig.partner, name="Other", provisioning_id="prov-other"
    )
    Subscriber.objects.update(template=other)

    assert selectors.unfinished_job_of(rig.row(FREJA)) == job


def test_a_job_settled_by_sync_changes_the_version_and_tells_its_error(rig, job):
    rig.step()
    row = rig.row(FREJA)
    rig.simulator.force(row.webex_id, status="error", errors=[])
    rig.sync()

    job.refresh_from_db()
    after = rig.row(FREJA)
    assert job.state == "failed"
    assert after.version > row.version
    assert after.job_error["code"] == job.result_code != ""


def test_a_poll_that_loses_against_a_sync_writes_nothing(rig, job):
    rig.step()
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
    polling = rig.taken().job
    row = rig.row(FREJA)
    rig.simulator.force(row.webex_id, status="provisioned", errors=[])
    rig.sync()
    events = StatusEvent.objects.count()

    leases.to_wait(polling, not_before=timezone.now())
    with pytest.raises(leases.LeaseLost):
        leases.release_one(polling)

    job.refresh_from_db()
    assert job.state == "done"
    assert StatusEvent.objects.count() == events


def test_removing_a_user_without_a_known_id_succeeds_when_somebody_was_quicker(rig):
    row = rig.given(FREJA)
    Subscriber.objects.update(webex_id=None)
    row.refresh_from_db()
    job = user_services.delete_user(row, actor=rig.actor, now=timezone.now())
    rig.simulator.fault(operation="remove", status=404)

    rig.drive(job)

    assert job.state == "done"


def test_a_worker_without_keys_holds_jobs_and_fails_none(rig, job, settings):
    settings.TOKEN_KEYS = []

    rig.step()

    job.refresh_from_db()
    assert (job.state, BackendConnection.objects.get().health) == ("queued", "held")


def test_two_claims_at_the_same_moment_take_a_job_once(rig, job):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    def attempt(_):
        try:
            return claiming.claim(rig.connection.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [found for found in pool.map(attempt, range(24)) if found]

    assert len(taken) == 1


def test_no_request_is_made_inside_a_transaction(rig, monkeypatch):
    from django.db import connection

    from common import http

    inside, real = [], http.call

    def watched(*args, **kwargs):
        inside.append(connection.in_atomic_block)
        return real(*args, **kwargs)

    monkeypatch.setattr(http, "call", watched)
    BackendConnection.objects.update(retry_by=RetryBy.DELETE_THEN_POST)
    rig.connection.refresh_from_db()
    rig.load(subscriber(FREJA), subscriber("2@nordictel.example", "provisioned"))
    rig.sync()
    rig.drive(ask_retry(rig, rig.row(FREJA)))
    now = timezone.now()
    two = rig.row("2@nordictel.example")
    rig.drive(user_services.change_package(two, package="premium", actor=rig.actor, now=now))
    rig.drive(user_services.delete_user(two, actor=rig.actor, now=now))

    assert inside
    assert not any(inside)
