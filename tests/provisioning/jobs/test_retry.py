from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, BackendConnection, RetryBy
from provisioning.jobs import user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job, StatusEvent
from tests.provisioning.rig import subscriber

FREJA = "4533121212@nordictel.example"


def retry(rig, row, email="freja@good.example", **more):
    return user_services.retry_activation(
        row, email=email, actor=rig.actor, now=timezone.now(), **more
    )


def test_a_good_address_cures_an_error(rig):
    row = rig.given(FREJA, errors=[200039])

    job = rig.drive(retry(rig, row))

    row.refresh_from_db()
    assert (job.state, row.status, row.email) == ("done", "provisioned", "freja@good.example")
    assert row.error_code == ""


def test_the_row_keeps_its_webex_id(rig):
    row = rig.given(FREJA)
    before = row.webex_id

    rig.drive(retry(rig, row))

    row.refresh_from_db()
    assert row.webex_id == before


def test_a_refused_address_leaves_code_and_words_on_the_row(rig):
    row = rig.given(FREJA, errors=[200042])
    rig.load(addresses=[{"email": "freja@other.example", "kind": "other_organisation"}])

    job = rig.drive(retry(rig, row, email="freja@other.example"))

    row.refresh_from_db()
    assert (job.state, job.result_code) == ("failed", "200039")
    assert (row.status, row.error_code) == ("error", "200039")
    assert "already in use in a different Org" in row.error_text


def test_an_address_refused_at_once_is_kept_as_the_jobs_error(rig):
    row = rig.given(FREJA, status="pending_email_input", email="")
    rig.load(addresses=[{"email": "a@b.example", "kind": "other_organisation", "at_once": True}])

    job = rig.drive(retry(rig, row, email="a@b.example"))

    row.refresh_from_db()
    assert (job.state, job.http_status) == ("failed", 409)
    assert row.status == "pending_email_input"
    assert row.error_code == "200039"
    assert row.error_tracking_id


def test_a_consumer_account_ends_in_waiting_for_consent(rig):
    row = rig.given(FREJA)
    colleague = subscriber("colleague@firma.example", "provisioned")
    rig.load(colleague, addresses=[{"email": "freja@private.example", "kind": "consumer"}])

    job = rig.drive(retry(rig, row, email="freja@private.example"))

    row.refresh_from_db()
    assert (job.state, row.status) == ("done", "pending_user_migration")


def test_delete_then_post_keeps_the_row_and_takes_the_new_id(rig):
    BackendConnection.objects.update(retry_by=RetryBy.DELETE_THEN_POST)
    row = rig.given(FREJA, errors=[200039])
    before = row.webex_id

    job = rig.drive(retry(rig, row))

    row.refresh_from_db()
    assert (job.state, job.sends) == ("done", 2)
    assert row.status == "provisioned"
    assert row.webex_id != before
    assert row.deleted_at is None


def test_delete_then_post_survives_a_crash_between_the_two(rig, monkeypatch):
    BackendConnection.objects.update(retry_by=RetryBy.DELETE_THEN_POST)
    row = rig.given(FREJA)
    job = retry(rig, row)
    rig.simulator.fault(operation="provision", drop_before=True)

    rig.drive(job)

    row.refresh_from_db()
    assert (job.state, row.status) == ("done", "provisioned")
    assert rig.effects("provision") == 1


def test_the_same_form_twice_is_one_job(rig):
    row = rig.given(FREJA)
    submission = "8b7f1c52-6f6f-4d3b-9a51-0e3d3a1c2b11"

    first = retry(rig, row, submission_id=submission)
    second = retry(rig, row, submission_id=submission)

    assert first == second
    assert Job.objects.count() == 1


def test_another_action_is_refused_while_one_is_unfinished(rig):
    row = rig.given(FREJA)
    retry(rig, row)

    with pytest.raises(ActionRefused, match="has not ended yet"):
        user_services.delete_user(row, actor=rig.actor, now=timezone.now())


def test_a_provisioned_user_cannot_be_retried(rig):
    row = rig.given(FREJA, status="provisioned")

    with pytest.raises(ActionRefused, match="Provisioned"):
        retry(rig, row)


def test_accepting_writes_job_timeline_and_audit_together(rig):
    row = rig.given(FREJA)

    job = retry(rig, row)

    assert job.state == "queued"
    assert AuditEvent.objects.filter(action="subscriber.retry").count() == 1
    assert StatusEvent.objects.filter(job=job, what="requested").count() == 1


def test_a_refusal_leaves_nothing_behind(rig):
    row = rig.given(FREJA, status="provisioned")

    with pytest.raises(ActionRefused):
        retry(rig, row)

    assert Job.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_admin_first_lets_only_the_earliest_user_pass(rig):
    rig.template.provision_admin_first = True
    rig.template.save()
    rig.given("1@x.example", age_seconds=5000)
    row = rig.given(FREJA, age_seconds=100)

    with pytest.raises(ActionRefused) as refused:
        retry(rig, row)

    assert refused.value.field == "make_administrator"


def test_admin_first_can_be_passed_by_naming_the_user_administrator(rig):
    rig.template.provision_admin_first = True
    rig.template.save()
    rig.given("1@x.example", age_seconds=5000)
    row = rig.given(FREJA, age_seconds=100)

    job = rig.drive(retry(rig, row, make_administrator=True))

    row.refresh_from_db()
    assert (job.state, row.is_customer_administrator) == ("done", True)
