"""Many jobs, several workers, a backend that misbehaves: the judge has nothing to object to.

The rig asks the judge after every test; here the load makes that worth asking.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.utils import timezone

from provisioning import sweep
from provisioning.jobs import outbox, user_services
from provisioning.models import Job
from provisioning.states import JobKind
from tests.provisioning.rig import ENTERPRISE, TOKEN, Rig, subscriber

WORKERS = 4


def work_all(rig: Rig, jobs: list[Job], seconds: float) -> None:
    """Let several workers do everything there is, until every job is final."""
    end = time.monotonic() + seconds

    def work(_number: int) -> None:
        try:
            while unfinished(jobs) and time.monotonic() < end:
                rig.step()
                sweep.run()
                time.sleep(0.02)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    for job in jobs:
        job.refresh_from_db()


def unfinished(jobs: list[Job]) -> bool:
    ids = [job.pk for job in jobs]
    return any(job.is_unfinished for job in Job.objects.filter(pk__in=ids))


def test_several_workers_wait_as_long_as_they_are_told_to(rig, settings):
    settings.TIME_SCALE = 1.0
    settings.DELETE_GRACE_SECONDS = 0
    rig.grace_ms = 250  # what was taken before the gate closed may leave late on a busy machine
    rig.load(*(subscriber(f"{n}@nordictel.example", "provisioned") for n in range(12)))
    rig.sync()
    now = timezone.now()
    jobs = [
        user_services.delete_user(rig.row(f"{n}@nordictel.example"), actor=rig.actor, now=now)
        for n in range(12)
    ]
    rig.simulator.fault(status=429, headers={"Retry-After": "2"}, script="..x", times=3)

    work_all(rig, jobs, 40)

    assert {job.state for job in jobs} == {"done"}
    assert rig.effects("remove") == 12
    assert len(rig.simulator.requests(status="429")) == 3


def test_lost_and_failed_answers_double_nothing_where_the_backend_would_let_them(rig):
    rig.load(accounts=[{"token": TOKEN, "name": "Nordictel", "settings": {"unique_key": False}}])
    params = {"first_name": "F", "last_name": "N", "package": "standard"}
    jobs = [
        outbox.enqueue(
            JobKind.PROVISION,
            outbox.Target(rig.connection, rig.template, ENTERPRISE, f"{n}@nordictel.example"),
            actor=rig.actor,
            now=timezone.now(),
            params=params | {"email": f"u{n}@good.example"},
        )
        for n in range(12)
    ]
    chance = {"operation": "provision", "times": 1000, "count_by": "user", "seed": "a bad night"}
    rig.simulator.fault(drop_after=True, probability=0.4, **chance)
    rig.simulator.fault(status=500, after=True, probability=0.3, **chance)
    rig.simulator.fault(drop_before=True, probability=0.3, **chance)

    skip_waiting(rig, jobs)

    assert {job.state for job in jobs} == {"done"}
    lines = rig.simulator.requests(operation="provision")
    assert sum(line["effect"] for line in lines) == 12
    assert sum(bool(line["fault"]) for line in lines) > 3


def skip_waiting(rig: Rig, jobs: list[Job]) -> None:
    """Work in rounds; between them the backend's own delays pass."""
    for _ in range(40):
        work_all(rig, jobs, 1.0)
        rig.simulator.advance(30)
        if not unfinished(jobs):
            return
