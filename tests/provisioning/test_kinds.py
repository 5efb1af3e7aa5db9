"""The table of job kinds: complete, and enough for a kind that nobody knew before."""

from __future__ import annotations

from dataclasses import fields

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.rights import ACTIONS, Right
from provisioning import timing
from provisioning.bulk import services as bulk_services
from provisioning.engine import operations
from provisioning.invariants import check
from provisioning.jobs import job_services, user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.kinds import KINDS, Kind, Shown, allowed_kinds
from provisioning.models import Job, JobBatch, StatusEvent
from provisioning.states import JobKind, Status
from tests.provisioning.rig import subscriber
from tests.userstatus.pages import words

FREJA = "4533121212@nordictel.example"
#: A kind of this test alone: it takes all but calling from a user.
CALLS_ONLY = "calls_only"


@pytest.fixture
def calls_only(monkeypatch):
    kind = Kind(
        right=Right.CHANGE_PACKAGE,
        icon="package",
        asked="left calling only to the user: %(what)s",
        logged="left calling only to",
        statuses=frozenset({Status.PROVISIONED}),
        params=lambda user, template, given: {"package": "softphone"},
        shown=Shown(after="package"),
        exchanges=2,
        succeeded=lambda row, job: row.package == "softphone",
    )
    monkeypatch.setitem(KINDS, CALLS_ONLY, kind)
    monkeypatch.setitem(operations.STEPS, CALLS_ONLY, operations.STEPS[JobKind.PACKAGE])
    return kind


def ask(rig, row):
    return user_services.act(CALLS_ONLY, row, given={}, actor=rig.actor, now=timezone.now())


def test_every_kind_has_its_rules_and_its_steps():
    assert set(KINDS) == set(operations.STEPS) == set(JobKind.values)


@pytest.mark.parametrize("name", JobKind.values)
def test_every_kind_says_all_that_differs(name):
    kind = KINDS[name]

    unsaid = [field.name for field in fields(Kind) if getattr(kind, field.name) is None]
    assert not unsaid
    assert kind.icon
    assert str(kind.asked)
    assert kind.is_portal or str(kind.logged)
    assert "{name}" in str(kind.about_to)
    assert kind.right in ACTIONS
    assert kind.exchanges > 0


def test_a_status_offers_what_the_table_says_but_not_the_portals_own():
    assert allowed_kinds(Status.ERROR, busy=False) == {"retry", "delete", "package"}
    assert allowed_kinds(Status.PROVISIONED, busy=False) == {"delete", "package"}
    assert allowed_kinds("a_status_of_tomorrow", busy=False) == frozenset()
    assert allowed_kinds(Status.ERROR, busy=True) == frozenset()


# ---- A kind that nobody knew before ----


def test_a_new_kind_is_driven_to_its_end(rig, calls_only):
    row = rig.given(FREJA, status="provisioned", package="standard")

    job = rig.drive(ask(rig, row))

    row.refresh_from_db()
    assert (job.state, row.package) == ("done", "softphone")
    assert not check.check(timezone.now())


def test_a_new_kind_is_judged_by_its_statuses(rig, calls_only):
    row = rig.given(FREJA, status="error", errors=[200039])

    with pytest.raises(ActionRefused) as refused:
        ask(rig, row)

    assert refused.value.code == "wrong_status"


def test_a_failed_job_of_a_new_kind_can_be_repeated(rig, calls_only):
    row = rig.given(FREJA, status="provisioned", package="standard")
    first = ask(rig, row)
    job_services.cancel_job(first, actor=rig.actor, now=timezone.now())

    again = rig.drive(job_services.retry_job(first, actor=rig.actor, now=timezone.now()))

    assert (again.kind, again.state) == (CALLS_ONLY, "done")


def test_a_new_kind_is_done_to_many(rig, calls_only):
    users = [f"45331212{number}@nordictel.example" for number in (10, 11, 12, 13)]
    rig.load(*[subscriber(user, status="provisioned", package="standard") for user in users])
    rig.sync()
    ids = [rig.row(user).pk for user in users]

    batch = bulk_services.accept(
        rig.template, CALLS_ONLY, ids, params={}, actor=rig.actor, now=timezone.now()
    )

    told = bulk_services.progress(batch, timing.now())
    assert told.finish
    for job in Job.objects.filter(batch=batch).order_by("pk"):
        rig.drive(job)
    assert {rig.row(user).package for user in users} == {"softphone"}
    assert JobBatch.objects.get().finished_at
    assert set(StatusEvent.objects.filter(what="requested").values_list("text", "after")) == {
        (CALLS_ONLY, "softphone")
    }


def test_the_time_of_grace_of_a_new_kind_is_its_entrys(rig, calls_only, monkeypatch):
    object.__setattr__(calls_only, "has_grace", True)
    row = rig.given(FREJA, status="provisioned", package="standard")

    job = ask(rig, row)

    assert job.can_be_undone(timing.now())


def test_the_pages_tell_of_a_new_kind_in_its_own_words(rig, calls_only, client_of):
    row = rig.given(FREJA, status="provisioned", package="standard")
    job = rig.drive(ask(rig, row))
    client = client_of(rig.administrator)

    page = words(client.get(reverse("userstatus:user", args=[row.uuid])))
    jobs = words(client.get(reverse("userstatus:jobs")))
    home = words(client.get("/"))

    assert "left calling only to the user: Softphone" in page
    assert job.broadworks_id in jobs
    assert "Anna Kofoed left calling only to" in home
