"""Promise 2: never an older status after a newer one, never one that the backend never had."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from provisioning import shown_status
from provisioning.backend.client import client_for
from provisioning.jobs import user_services
from provisioning.models import Subscriber
from provisioning.projection import merge
from provisioning.sync import passes
from templates_app.models import OnboardingTemplate
from tests.provisioning.rig import subscriber
from webex.payloads import LIMITS

FREJA = "4533121212@nordictel.example"


@pytest.fixture
def told(rig):
    """What Webex says of a user in error."""
    row = rig.given(FREJA)
    return client_for(rig.connection).get_subscriber(row.webex_id)


def bring(rig, told, asked_at=None):
    answer = merge.Answer(told, asked_at=asked_at or timezone.now())
    return merge.apply_answer(rig.connection, answer, now=timezone.now())


def test_two_processes_may_meet_a_new_subscriber_at_once(rig, told):
    Subscriber.objects.all().delete()
    start = threading.Barrier(6)

    def attempt(_):
        try:
            start.wait()
            return bring(rig, told).pk
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        keys = set(pool.map(attempt, range(6)))

    assert len(keys) == 1
    assert Subscriber.objects.count() == 1


def test_an_answer_without_a_time_that_was_asked_for_earlier_is_old(rig, told):
    before = timezone.now()
    later = told.last_status_change + timedelta(seconds=5)
    bring(rig, replace(told, status="provisioned", errors=(), last_status_change=later))

    bring(rig, replace(told, last_status_change=None), asked_at=before)

    assert rig.row(FREJA).backend_status == "provisioned"


def test_an_answer_without_a_time_does_not_make_us_forget_the_time(rig, told):
    later = told.last_status_change + timedelta(seconds=5)
    bring(rig, replace(told, last_status_change=later))
    bring(rig, replace(told, status="provisioned", errors=(), last_status_change=None))

    bring(rig, told)

    assert rig.row(FREJA).backend_status == "provisioned"


def test_of_two_answers_with_one_time_the_one_asked_for_last_counts(rig, told):
    before = timezone.now()
    bring(rig, replace(told, status="provisioned", errors=()))

    bring(rig, told, asked_at=before)

    assert rig.row(FREJA).backend_status == "provisioned"


def test_a_user_deleted_here_stays_so_when_webex_confirms_it(rig, told):
    row = rig.row(FREJA)
    shown_status.mark_deleted(row, now=timezone.now(), by="Webex", here=False)
    shown_status.mark_deleted(row, now=timezone.now(), by="Anna", here=True)

    assert (row.deleted_here, row.deleted_by) == (True, "Anna")


def test_the_full_pass_leaves_a_user_with_an_unfinished_job_alone(rig, told):
    row = rig.row(FREJA)
    job = user_services.delete_user(row, actor=rig.actor, now=timezone.now())
    rig.simulator.fault(operation="remove", drop_after=True)
    rig.step()

    assert passes.full_pass(rig.connection.pk)
    assert rig.row(FREJA)
    rig.drive(job)

    row.refresh_from_db()
    assert (job.state, row.deleted_here) == ("done", True)


def test_a_subscriber_that_moved_to_a_stranger_leaves_the_list(rig):
    rig.load(
        subscriber(FREJA),
        accounts=[{"token": "token-of-nordictel", "name": "Nordictel"}],
        provisioning_ids=[
            {"id": "prov-smb", "account": "Nordictel"},
            {"id": "prov-new", "account": "Nordictel"},
        ],
    )
    rig.sync()
    row = rig.row(FREJA)
    told = client_for(rig.connection).get_subscriber(row.webex_id)
    body = {
        "id": told.id, "userId": FREJA, "status": "error", "provisioningId": "prov-new",
        "lastStatusChange": told.last_status_change.isoformat(),
    }  # fmt: skip
    rig.simulator.fault(operation="list", body={"items": []})
    rig.simulator.fault(operation="get", body=body)

    passes.full_pass(rig.connection.pk)

    row.refresh_from_db()
    assert row.deleted_at is not None


def test_a_subscriber_follows_its_provisioning_id_to_another_template(rig, told):
    other = OnboardingTemplate.objects.create(
        partner=rig.partner, name="Other", provisioning_id="prov-other"
    )
    bring(rig, replace(told, provisioning_id="prov-other"))

    assert rig.row(FREJA).template == other


def test_all_that_the_client_lets_in_fits_the_columns():
    names = {"id": "webex_id", "user_id": "broadworks_id", "sp_enterprise_id": "enterprise_id"}
    names |= {"status": "backend_status"}
    for name, limit in LIMITS.items():
        if name in {"provisioning_id", "error_text"}:
            continue
        width = Subscriber._meta.get_field(names.get(name, name)).max_length
        assert limit <= width, name
