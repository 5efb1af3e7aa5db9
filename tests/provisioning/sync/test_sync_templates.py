"""Sync with several templates: each has its own watermark and its own trouble."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import BackendConnection
from common import session_locks
from provisioning.models import Subscriber
from provisioning.sync import passes
from templates_app.models import OnboardingTemplate
from tests.provisioning.rig import subscriber

FREJA = "4533121212@nordictel.example"
IDS = [{"id": name, "account": "Nordictel"} for name in ("prov-smb", "prov-two", "prov-three")]


def add_template(rig, provisioning_id):
    return OnboardingTemplate.objects.create(
        partner=rig.partner, name=provisioning_id, provisioning_id=provisioning_id
    )


def test_older_subscribers_of_a_template_added_later_come_in(rig):
    old = subscriber("2@x.example", provisioning_id="prov-two", enterprise="Nordictel+two")
    rig.load(subscriber(FREJA, age_seconds=0), old | {"age_seconds": 90_000}, provisioning_ids=IDS)
    rig.sync()
    add_template(rig, "prov-two")

    rig.sync()

    assert rig.row("2@x.example")


@pytest.mark.parametrize("run", [passes.sync_connection, passes.full_pass])
@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_template_that_webex_refuses_does_not_stop_the_others(rig, run, status):
    OnboardingTemplate.objects.all().delete()
    for name in ("prov-smb", "prov-two", "prov-three"):
        add_template(rig, name)
    three = subscriber("3@x.example", provisioning_id="prov-three", enterprise="Nordictel+three")
    rig.load(subscriber(FREJA), three, provisioning_ids=IDS)
    rig.simulator.fault(operation="list", contains="prov-two", status=status, times=2)

    assert run(rig.connection.pk) is False

    connection = BackendConnection.objects.get()
    assert rig.row(FREJA)
    assert rig.row("3@x.example")
    assert connection.health == ("degraded" if status == 500 else "ok")
    assert "prov-two" in connection.health_text
    assert connection.full_pass_started_at is None


def test_a_time_in_the_far_future_does_not_blind_the_sync(rig):
    rig.given(FREJA)
    body = {"items": [{
        "id": "odd", "userId": "odd@x.example", "status": "error", "provisioningId": "prov-smb",
        "lastStatusChange": datetime(9999, 1, 1, tzinfo=UTC).isoformat(),
    }]}  # fmt: skip
    rig.simulator.fault(operation="list", body=body)
    rig.sync()
    rig.simulator.force(rig.row(FREJA).webex_id, status="provisioned", errors=[])

    rig.sync()

    assert rig.row(FREJA).status == "provisioned"


def test_a_full_pass_does_not_hold_up_the_sync(rig):
    rig.load(subscriber(FREJA))

    with session_locks.held(f"full_pass:{rig.connection.pk}") as is_ours:
        assert is_ours
        import threading

        from django.db import connection as database

        done = []

        def other():
            done.append(passes.sync_connection(rig.connection.pk))
            database.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(100)

    assert done == [True]


def test_a_broken_off_full_pass_goes_on_where_it_stopped(rig):
    add_template(rig, "prov-two")
    rig.load(subscriber(FREJA), provisioning_ids=IDS)
    rig.simulator.fault(operation="list", contains="prov-two", status=401)
    assert passes.full_pass(rig.connection.pk) is False
    assert BackendConnection.objects.get().full_pass_started_at is not None
    before = len(rig.simulator.requests(operation="list"))
    BackendConnection.objects.update(not_before=None)  # as operations do once the token is good

    assert passes.full_pass(rig.connection.pk)

    assert len(rig.simulator.requests(operation="list")) == before + 1
    assert BackendConnection.objects.get().full_pass_done_at is not None


def test_an_entry_that_is_too_long_for_us_stops_nobody_else(rig):
    rig.load(subscriber(FREJA))
    good = rig.simulator.call(
        "GET", "/broadworks/subscribers?provisioningId=prov-smb", "token-of-nordictel"
    ).json()["items"][0]
    odd = good | {"id": "odd", "userId": "u" * 400, "package": "p" * 64, "status": "s" * 64}
    also = good | {"id": "also", "userId": "a@x.example", "package": "p" * 64, "status": "error"}
    rig.simulator.fault(operation="list", body={"items": [odd, also, good]})

    rig.sync()

    assert Subscriber.objects.live().count() == 2
    assert timezone.now()
