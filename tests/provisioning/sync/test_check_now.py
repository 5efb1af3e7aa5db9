"""Check now: one question about one user, with the manners of everybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import BackendConnection
from provisioning import operator_services, timing
from provisioning.jobs import user_services
from provisioning.sync import check_now
from provisioning.sync.check_now import Refreshed
from tests.provisioning.rig import TOKEN, Rig

FREJA = "4533121212@nordictel.example"


def asked(rig: Rig) -> int:
    return len(rig.simulator.requests(operation="get"))


def test_what_webex_answers_is_shown(rig: Rig):
    row = rig.given(FREJA)
    rig.simulator.call(
        "PUT", f"/broadworks/subscribers/{row.webex_id}", TOKEN, json={"package": "premium"}
    )

    assert check_now.refresh_one(row) is Refreshed.CURRENT

    assert rig.row(FREJA).package == "premium"


def test_a_user_whom_webex_does_not_hold_is_deleted_here_too(rig: Rig):
    row = rig.given(FREJA)
    rig.simulator.call("DELETE", f"/broadworks/subscribers/{row.webex_id}", TOKEN)

    assert check_now.refresh_one(row) is Refreshed.GONE

    row.refresh_from_db()
    assert row.deleted_at


def test_a_429_closes_the_gate_for_all(rig: Rig):
    row = rig.given(FREJA)
    rig.simulator.fault(operation="get", status=429, headers={"Retry-After": "60"}, times=1)

    assert check_now.refresh_one(row) is Refreshed.HELD

    assert BackendConnection.objects.get().not_before > timing.now() + timedelta(seconds=50)
    assert (check_now.refresh_one(row), asked(rig)) == (Refreshed.HELD, 1)


def test_nothing_is_asked_when_the_rate_is_used_up(rig: Rig, monkeypatch):
    row = rig.given(FREJA)
    BackendConnection.objects.update(
        requests_per_minute=1, max_in_flight=1, paid_until=timing.now() + timedelta(seconds=90)
    )
    monkeypatch.setattr(check_now, "PATIENCE_SECONDS", 0.1)

    assert (check_now.refresh_one(row), asked(rig)) == (Refreshed.HELD, 0)
    with pytest.raises(operator_services.AskingFailed):
        operator_services.ask_now(row, actor=rig.actor)


def test_somebody_who_looks_waits_a_moment_for_the_turn(rig: Rig):
    row = rig.given(FREJA)
    BackendConnection.objects.update(
        requests_per_minute=60, max_in_flight=3, paid_until=timing.now() + timedelta(seconds=2.8)
    )

    assert check_now.refresh_one(row) is Refreshed.CURRENT


def test_a_user_with_an_unfinished_job_is_not_asked_for(rig: Rig):
    row = rig.given(FREJA)
    user_services.change_package(row, package="basic", actor=rig.actor, now=timing.now())

    assert (check_now.refresh_one(row), asked(rig)) == (Refreshed.BUSY, 0)
