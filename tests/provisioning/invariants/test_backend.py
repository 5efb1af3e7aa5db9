"""check_invariants --simulator: what the backend saw, beside what our tables say that we did."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning.engine import operations
from provisioning.invariants import backend as invariants_backend
from provisioning.jobs import user_services
from provisioning.models import Job, JobEvent
from provisioning.states import JobState, Status
from tests.factories import make_job, make_subscriber
from tests.provisioning.rig import TOKEN, Rig, subscriber

KINDS = ("provision", "update", "remove")
PARAMS = {"first_name": "F", "last_name": "N", "package": "standard", "email": "a@firma.example"}


# ---- With a real backend ----


def found_by(rig: Rig) -> set[str]:
    items = [item for name in KINDS for item in rig.simulator.requests(operation=name)]
    return {finding.what for finding in invariants_backend.compare(invariants_backend.read(items))}


def test_what_the_engine_did_in_a_bad_night_is_in_order(rig, settings):
    settings.DELETE_GRACE_SECONDS = 0
    BackendConnection.objects.update(max_in_flight=1)  # the 429 concerns nobody under way
    rig.load(*(subscriber(f"{n}@nordictel.example") for n in range(6)))
    rig.sync()
    rig.simulator.fault(drop_after=True, operation="provision", times=1)
    rig.simulator.fault(status=500, after=True, operation="remove", times=1)
    rig.simulator.fault(status=429, headers={"Retry-After": "1"}, operation="update", times=1)
    now, rows = timezone.now(), [rig.row(f"{n}@nordictel.example") for n in range(6)]
    jobs = [
        *(
            user_services.retry_activation(r, email=r.email, actor=rig.actor, now=now)
            for r in rows[:2]
        ),
        *(user_services.delete_user(row, actor=rig.actor, now=now) for row in rows[2:4]),
        *(
            user_services.change_package(r, package="basic", actor=rig.actor, now=now)
            for r in rows[4:]
        ),
    ]

    assert {rig.drive(job, 30).state for job in jobs} == {JobState.DONE}

    assert found_by(rig) == set()
    call_command("check_invariants", "--simulator", stdout=io.StringIO())


def test_a_change_by_other_hands_is_found(rig):
    row = rig.given("1@nordictel.example")

    rig.simulator.call("DELETE", f"/broadworks/subscribers/{row.webex_id}", TOKEN)

    assert found_by(rig) == {"the backend was asked for a change that no job meant to send"}
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("check_invariants", "--simulator", stdout=out)
    assert "WRONG: I5" in out.getvalue()


# ---- With made-up lines of its log ----


@pytest.fixture
def job(template) -> Iterator[Job]:
    """A retry that was sent once, in a database whose triggers sleep."""
    row = make_subscriber(template, Status.ERROR)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield sent(make_job(row, JobState.DONE, params=PARAMS | {"webex_id": row.webex_id}))
        cursor.execute("SET LOCAL session_replication_role = origin")


def sent(job: Job, times: int = 1) -> Job:
    for _ in range(times):
        JobEvent.objects.create(
            job=job, at=timezone.now(), before=JobState.QUEUED, after=JobState.SENDING, sends=1
        )
    return job


def line(job: Job, number: int = 1, **values: Any) -> dict[str, Any]:
    (step,) = operations.steps(job, timezone.now())
    return {
        "id": number,
        "at": timezone.now().isoformat(),
        "provisioning_id": job.template.provisioning_id,
        "sp_enterprise_id": job.enterprise_id,
        "user_id": job.broadworks_id.upper(),
        "operation": "provision",
        "body_hash": step.body_hash,
        "effect": True,
        "tracking_id": f"tracking-{number}",
    } | values


def found(*items: dict[str, Any]) -> set[str]:
    lines = invariants_backend.read(items)
    return {f"{one.invariant} {one.what}" for one in invariants_backend.compare(lines)}


STRANGE = "I5 the backend was asked for a change that no job meant to send"
TWICE = "I3 one action took effect twice"
MISSING = "I3 an action is done that the backend knows nothing of"


def test_a_line_that_is_the_jobs_is_in_order(job):
    assert found(line(job)) == set()


def test_an_answer_before_its_effect_is_one_request(job):
    late = line(job, 2, tracking_id="tracking-1", body_hash="")

    assert found(line(job, effect=False), late) == set()


@pytest.mark.parametrize(
    "values",
    [
        {"body_hash": "of another body"},
        {"user_id": "another@nordictel.example"},
        {"operation": "update"},
        {"at": (timezone.now() - timedelta(hours=1)).isoformat()},
    ],
)
def test_a_line_with_another_body_user_step_or_time_is_no_jobs(job, values):
    assert STRANGE in found(line(job, **values))


def test_a_request_that_was_sent_twice_for_one_intent_is_found(job):
    assert found(line(job), line(job, 2, effect=False)) == {STRANGE}


def test_an_action_that_took_effect_twice_is_found(job):
    sent(job)

    assert found(line(job), line(job, 2)) == {TWICE}


def test_an_action_is_done_only_when_the_backend_knows_of_it(job):
    assert found(line(job, effect=False)) == {MISSING}


@pytest.mark.parametrize(
    "ended",
    [
        {"state": JobState.CANCELLED},
        {"state": JobState.FAILED, "result_code": "PH-EXPIRED"},
    ],
)
def test_an_effect_of_what_did_not_happen_is_found(job, ended):
    Job.objects.filter(pk=job.pk).update(**ended)

    assert found(line(job)) == {"I3 an action took effect that was cancelled, expired or refused"}


def test_effects_come_in_the_order_of_acceptance(job):
    later = make_job(
        job.subscriber, JobState.DONE, params=job.params | {"email": "later@firma.example"}
    )
    sent(later)

    assert found(line(later), line(job, 2)) == {
        "I8 changes of one user came in another order than they were accepted"
    }


def test_users_of_the_backend_who_are_not_ours_are_left_alone(job):
    assert found(line(job), line(job, 2, provisioning_id="of somebody else")) == set()
