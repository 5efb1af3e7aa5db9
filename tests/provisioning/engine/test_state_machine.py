"""The engine under every fault, in every order: hypothesis looks for a history that breaks it.

The whole engine runs in this process on the real database; the backend is a model in memory
(model_backend.py), and the clock stands still unless a rule lets it run. After each rule: the
invariants of `check_invariants`, at most one effect per action and step, intents before bytes, no
status that the backend never had and none older than the one before. At the end the faults stop,
and everything must come to its one end, with an effect exactly where it is told that there was one.

The `long` one (`make test-long`) takes 5,000 steps, other ones each time; a failure prints the
shortest.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from provisioning.bulk import services as bulk_services
from provisioning.jobs import job_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import JobBatch, Subscriber
from provisioning.states import JobKind, JobState, Status
from provisioning.sync import passes
from tests.factories import actor_of
from tests.provisioning import engine_turns
from tests.provisioning.machine_stage import HELD, USERS
from tests.provisioning.machine_truth import Judged
from tests.provisioning.model_backend import FAULTS, OF_QUESTIONS

COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "database": None,
}
PROFILES = {
    "short": settings(
        **COMMON,
        max_examples=18,
        stateful_step_count=30,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
    ),
    "long": settings(**COMMON, max_examples=125, stateful_step_count=40),
}

users = st.sampled_from(USERS)
#: What goes wrong with a user's next requests, in this order.
troubles = st.lists(st.sampled_from(sorted(FAULTS)), max_size=3)


class Engine(Judged):
    """Everything that can happen to the users of one partner."""

    # ---- What people do ----

    @rule(choice=st.integers(0, 30), faults=troubles, at_once=st.booleans())
    def act(self, choice: int, faults: list[str], at_once: bool) -> None:
        """Somebody asks for something that is possible; its requests may go wrong."""
        possible = list(self.possible())
        if not possible:
            return
        kind, user_id = possible[choice % len(possible)]
        self.ask(kind, user_id)
        self.world.faults[user_id] = list(faults)
        if at_once:
            self.workers_work(11)

    @rule(user_id=users, undo=st.booleans())
    def take_back(self, user_id: str, undo: bool) -> None:
        """Somebody cancels a job, or undoes a delete: nothing of it may ever happen, or it is
        refused because something may.
        """
        job = self.unfinished(user_id)
        if job is None:
            return
        end = job_services.undo_delete if undo else job_services.cancel_job
        with suppress(ActionRefused):
            end(job, actor=actor_of(self.anna), now=self.clock.now())

    @rule(
        kind=st.sampled_from([JobKind.RETRY, JobKind.DELETE, JobKind.PACKAGE]),
        fault=st.sampled_from(sorted(FAULTS)),
        struck=st.integers(0, len(HELD)),
        at_once=st.booleans(),
    )
    def act_on_all(self, kind: JobKind, fault: str, struck: int, at_once: bool) -> None:
        """Somebody does one thing to everybody; the first few meet the same trouble."""
        params = {"package": "premium"} if kind == JobKind.PACKAGE else {}
        ids = list(Subscriber.objects.live().values_list("pk", flat=True))
        who: dict[str, Any] = {"actor": actor_of(self.anna), "now": self.clock.now()}
        with suppress(ActionRefused):
            batch = bulk_services.accept(self.template, kind, ids, params=params, **who)
            queued = batch.jobs.filter(state=JobState.QUEUED).order_by("pk")[:struck]
            for job in queued:
                self.world.faults[job.broadworks_id] = [fault]
        if at_once:
            self.workers_work(11)

    @rule(cancel=st.booleans())
    def take_care_of_a_batch(self, cancel: bool) -> None:
        """Somebody cancels what is left of the newest batch, or lets it go on after its brake."""
        batch = JobBatch.objects.filter(finished_at=None).order_by("-pk").first()
        if batch:
            act = bulk_services.cancel if cancel else bulk_services.resume
            with suppress(ActionRefused):
                act(batch, actor=actor_of(self.anna), now=self.clock.now())

    # ---- What machines do ----

    @rule(seconds=st.sampled_from([0, 1, 11, 16, 35, 95, 400]))
    def workers_work(self, seconds: float) -> None:
        """Time passes, beat has the sweep run, and workers serve; one may die of it."""
        self.time_passes(seconds)
        engine_turns.sweep()
        engine_turns.serve(self.connection)

    @rule(seconds=st.sampled_from([5, 45, 400, 86_500]))
    def nobody_works(self, seconds: float) -> None:
        self.time_passes(seconds)

    @rule(user_id=users, faults=troubles)
    def next_requests_go_wrong(self, user_id: str, faults: list[str]) -> None:
        self.world.faults[user_id] = list(faults)

    @rule(faults=st.lists(st.sampled_from(OF_QUESTIONS), min_size=1, max_size=3))
    def next_questions_go_wrong(self, faults: list[str]) -> None:
        self.world.question_faults = list(faults)

    @rule(user_id=users, outcome=st.sampled_from([Status.PROVISIONED, Status.ERROR]))
    def backend_finishes(self, user_id: str, outcome: Status) -> None:
        self.world.catch_up()
        self.world.finish(user_id, outcome)

    @rule(user_id=users)
    def other_hands_remove(self, user_id: str) -> None:
        for remote in self.world.of(user_id):
            self.world.remove(remote.id)
        if job := self.unfinished(user_id):
            self.meddled.add(job.pk)

    @rule(full=st.booleans())
    def sync(self, full: bool) -> None:
        read = passes.full_pass if full else passes.sync_connection
        engine_turns.alive(lambda: read(self.connection.pk))


@pytest.fixture
def _database(transactional_db: None, settings: Any) -> None:
    settings.TIME_SCALE = 1.0


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize("profile", ["short", pytest.param("long", marks=pytest.mark.long)])
def test_no_history_breaks_the_engine(profile: str) -> None:
    run_state_machine_as_test(Engine, settings=PROFILES[profile])
