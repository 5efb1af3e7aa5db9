from __future__ import annotations

import pytest
from django.utils import timezone

from provisioning.jobs import user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Subscriber

FREJA = "4533121212@nordictel.example"


def delete(rig, row):
    return user_services.delete_user(row, actor=rig.actor, now=timezone.now())


def change(rig, row, package):
    return user_services.change_package(row, package=package, actor=rig.actor, now=timezone.now())


def test_a_deleted_user_is_gone_at_webex_and_kept_here_with_a_name(rig):
    row = rig.given(FREJA)

    job = rig.drive(delete(rig, row))

    row.refresh_from_db()
    assert job.state == "done"
    assert (row.deleted_by, row.deleted_here) == ("Anna Kofoed", True)
    assert rig.effects("remove") == 1


def test_a_user_who_is_gone_already_counts_as_deleted(rig):
    row = rig.given(FREJA)
    rig.simulator.call("DELETE", f"/broadworks/subscribers/{row.webex_id}", "token-of-nordictel")

    job = rig.drive(delete(rig, row))

    assert job.state == "done"


def test_a_sync_page_read_before_the_delete_does_not_bring_the_user_back(rig):
    from provisioning.backend.client import client_for
    from provisioning.projection import merge

    row = rig.given(FREJA)
    asked_at = timezone.now()
    old = client_for(rig.connection).get_subscriber(row.webex_id)
    rig.drive(delete(rig, row))

    answer = merge.Answer(old, asked_at=asked_at)
    assert merge.apply_answer(rig.connection, answer, now=timezone.now()) is None
    assert not Subscriber.objects.live().exists()


def test_the_package_of_a_provisioned_user_changes_through_updating(rig):
    row = rig.given(FREJA, status="provisioned", package="standard")
    job = change(rig, row, "premium")

    rig.step()
    row.refresh_from_db()
    assert row.status == "updating"

    rig.drive(job)
    row.refresh_from_db()
    assert (job.state, row.status, row.package) == ("done", "provisioned", "premium")


def test_the_package_of_a_user_in_error_changes_and_the_status_stays(rig):
    row = rig.given(FREJA, status="error", errors=[200039])

    job = rig.drive(change(rig, row, "basic"))

    row.refresh_from_db()
    assert (row.status, row.package) == ("error", "basic")
    assert job.state == "done"


@pytest.mark.parametrize(
    ("package", "code"), [("standard", "same_package"), ("gold", "unknown_package")]
)
def test_the_same_or_an_unknown_package_is_refused(rig, package, code):
    row = rig.given(FREJA, package="standard")

    with pytest.raises(ActionRefused) as refused:
        change(rig, row, package)

    assert refused.value.code == code


def test_changing_a_user_who_vanished_fails_and_the_row_says_deleted(rig):
    row = rig.given(FREJA, status="provisioned", package="standard")
    rig.simulator.call("DELETE", f"/broadworks/subscribers/{row.webex_id}", "token-of-nordictel")

    job = rig.drive(change(rig, row, "premium"))

    row.refresh_from_db()
    assert (job.state, job.result_code) == ("failed", "PH-GONE")
    assert row.deleted_by == "Webex"
