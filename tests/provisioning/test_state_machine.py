"""The engine under every fault, in every order: hypothesis looks for a history that breaks it.

The whole engine runs in this process on the real database; the backend is a model in memory
(model_backend.py), and the clock stands still unless a rule lets it run. After each rule: the
invariants of `check_invariants`, at most one effect per action and step, intents before bytes, no
status that the backend never had and none older than the one before. At the end the faults stop,
and everything must come to its one end, with an effect exactly where it is told that there was one.

HYPOTHESIS_PROFILE=long takes 5,000 steps, other ones each time; a failure prints the shortest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import RetryBy
from accounts.rights import Role
from provisioning import codes, invariants, job_services, outbox, services, sync
from provisioning.action_rules import ActionRefused
from provisioning.models import Job, Subscriber
from provisioning.states import FINAL, JobKind, JobState, Status, allowed_kinds
from tests.factories import actor_of, make_partner, make_template, make_user
from tests.provisioning import engine_turns
from tests.provisioning.model_backend import CLEAR_NO, FAULTS, OF_QUESTIONS, Client, Intents, World
from webex.payloads import RemoteSubscriber

ENTERPRISE = "Nordictel+firma"
HELD = {
    "a@nordictel.example": Status.ERROR,
    "b@nordictel.example": Status.WAITING_ADDRESS,
    "c@nordictel.example": Status.PROVISIONED,
}
#: The first users are held by the backend from the start, the last is new.
USERS = [*HELD, "d@nordictel.example"]
PACKAGES = ["basic", "standard", "premium"]
#: Endings that say that nothing took effect.
WITHOUT_EFFECT = {codes.EXPIRED, codes.ASKER_LEFT, codes.POISON, codes.GAVE_UP}

COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "database": None,
}
PROFILES = {
    "ci": settings(
        **COMMON,
        max_examples=30,
        stateful_step_count=30,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
    ),
    "long": settings(**COMMON, max_examples=125, stateful_step_count=40),
}

users = st.sampled_from(USERS)
#: What goes wrong with a user's next requests, in this order.
troubles = st.lists(st.sampled_from(sorted(FAULTS)), max_size=3)


class Clock:
    """The time of this history: a thousandth of a second passes at each look."""

    def __init__(self) -> None:
        self.time = timezone.now()

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time


class Engine(RuleBasedStateMachine):
    """Everything that can happen to four users of one partner."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock()
        self.world = World(self.clock.now)
        self.number = 0
        self.ends: dict[int, str] = {}
        #: Per Webex ID: how far in its past our row was when we looked last.
        self.places: dict[str, int] = {}
        #: Jobs during which other hands took the subscriber away.
        self.meddled: set[int] = set()

    # ---- Beginning ----

    @initialize(by=st.sampled_from(list(RetryBy)), at_once=st.sampled_from([1, 4]))
    def begin(self, by: RetryBy, at_once: int) -> None:
        """A backend that refuses a second subscriber, or one that would take it: that one is
        asked to repeat by DELETE and POST only.
        """
        wipe()
        self.world.unique_key = by == RetryBy.POST
        self.partner = make_partner(
            "Nordictel",
        )
        self.connection = self.partner.connection
        self.connection.retry_by, self.connection.max_in_flight = by, at_once
        self.connection.save()
        self.template = make_template(self.partner, "SMB Denmark")
        self.anna = make_user(self.partner, Role.FULL, "anna@nordictel.example")
        for user_id, status in HELD.items():
            self.world.put(self.stranger(user_id), status)
        intents = Intents()
        self.stack.callback(intents.close)
        client = Client(self.world, intents)
        for target, replacement in engine_turns.replacements(client, self.clock.now):
            self.stack.enter_context(patch(target, replacement))
        assert sync.sync_connection(self.connection.pk)

    def stranger(self, user_id: str) -> RemoteSubscriber:
        return RemoteSubscriber(
            id=f"webex-{next(self.world.numbers)}",
            user_id=user_id,
            status="",
            sp_enterprise_id=ENTERPRISE,
            provisioning_id=self.template.provisioning_id,
            email=user_id,
            package="standard",
            created=self.clock.now(),
        )

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

    def possible(self) -> Iterator[tuple[JobKind, str]]:
        for user_id in USERS:
            if self.unfinished(user_id):
                continue
            row = self.row(user_id)
            if row:
                yield from (
                    (kind, user_id) for kind in sorted(allowed_kinds(row.status, busy=False))
                )
            if not self.world.of(user_id):
                yield JobKind.PROVISION, user_id

    def row(self, user_id: str) -> Subscriber | None:
        rows = Subscriber.objects.live().filter(broadworks_id=user_id)
        newest: Subscriber | None = rows.order_by("-pk").first()
        return newest

    def unfinished(self, user_id: str) -> Job | None:
        found: Job | None = Job.objects.unfinished().filter(broadworks_id=user_id).first()
        return found

    def ask(self, kind: JobKind, user_id: str) -> None:
        self.number += 1
        who: dict[str, Any] = {"actor": actor_of(self.anna), "now": self.clock.now()}
        row = self.row(user_id)
        with suppress(ActionRefused):
            if kind == JobKind.PROVISION or row is None:
                self.provision(user_id, who)
            elif kind == JobKind.RETRY:
                services.retry_activation(row, email=f"u{self.number}@firma.example", **who)
            elif kind == JobKind.DELETE:
                services.delete_user(row, **who)
            else:
                package = next(name for name in PACKAGES if name != row.package)
                services.change_package(row, package=package, **who)

    def provision(self, user_id: str, who: dict[str, Any]) -> None:
        """As the portal does for somebody whom the backend does not hold."""
        params = {"first_name": "F", "last_name": "N", "package": "standard"}
        params["email"] = f"u{self.number}@firma.example"
        target = outbox.Target(self.connection, self.template, ENTERPRISE, user_id)
        job = outbox.enqueue(JobKind.PROVISION, target, params=params, **who)
        engine_turns.audit_of(job, who["actor"])

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

    def time_passes(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)
        self.world.catch_up()

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
        read = sync.full_pass if full else sync.sync_connection
        engine_turns.alive(lambda: read(self.connection.pk))

    # ---- What must be true ----

    @invariant()
    def tables_are_in_order(self) -> None:
        assert invariants.check(self.clock.now(), timely=False) == []

    @invariant()
    def nothing_was_sent_without_its_intent(self) -> None:
        assert self.world.breaches == []

    @invariant()
    def nothing_took_effect_twice(self) -> None:
        doubled = {
            key: times
            for key, times in self.world.effects.items()
            if times > 1 and key[0] not in self.meddled
        }
        assert doubled == {}

    @invariant()
    def an_end_is_the_end(self) -> None:
        for pk, state in Job.objects.filter(state__in=FINAL).values_list("pk", "state"):
            assert self.ends.setdefault(pk, state) == state
        assert set(self.ends) == set(
            Job.objects.filter(state__in=FINAL).values_list("pk", flat=True)
        )

    @invariant()
    def rows_show_what_was_and_never_go_back(self) -> None:
        for row in Subscriber.objects.live().exclude(webex_id=None):
            shown = (row.backend_changed_at, row.backend_status)
            assert shown in self.world.past[row.webex_id], f"{row} shows what never was: {shown}"
            place = self.world.past[row.webex_id].index(shown)
            assert place >= self.places.get(row.webex_id, 0), f"{row} went back"
            self.places[row.webex_id] = place

    # ---- The end ----

    def teardown(self) -> None:
        try:
            if hasattr(self, "connection"):
                self.come_to_rest()
        finally:
            self.stack.close()

    def come_to_rest(self) -> None:
        """No faults any more: everything comes to its end, and both sides agree."""
        self.world.faults.clear()
        self.world.question_faults.clear()
        for _ in range(80):
            engine_turns.sweep()
            engine_turns.serve(self.connection)
            for user_id in USERS:
                self.world.finish(user_id, Status.PROVISIONED)
            self.time_passes(20)
            if not Job.objects.unfinished().exists() and not self.world.late:
                break
        assert [str(job.state) for job in Job.objects.unfinished()] == []
        self.time_passes(400)
        assert sync.sync_connection(self.connection.pk)
        assert sync.full_pass(self.connection.pk)
        engine_turns.sweep()
        assert invariants.check(self.clock.now()) == []
        for look in (
            self.nothing_was_sent_without_its_intent,
            self.nothing_took_effect_twice,
            self.an_end_is_the_end,
            self.rows_show_what_was_and_never_go_back,
            self.ends_tell_the_truth,
            self.both_sides_agree,
        ):
            look()

    def ends_tell_the_truth(self) -> None:
        for job in Job.objects.all():
            happened = {step for pk, step in self.world.effects if pk == job.pk}
            last = {JobKind.DELETE: "delete", JobKind.PACKAGE: "put"}.get(job.kind, "post")
            told = f"{job.kind} {job.state} {job.result_code} {job.result_text}: {happened}"
            if job.state == JobState.DONE and job.kind != JobKind.DELETE:
                assert last in happened or job.pk in self.meddled, told
            if job.state == JobState.CANCELLED:
                assert not happened, told
            if job.state == JobState.FAILED and self.says_nothing_happened(job):
                assert last not in happened, told

    def says_nothing_happened(self, job: Job) -> bool:
        return job.result_code in WITHOUT_EFFECT or str(job.http_status) in CLEAR_NO

    def both_sides_agree(self) -> None:
        ours = {
            row.webex_id: (row.backend_status, row.package, row.email)
            for row in Subscriber.objects.live()
            if row.webex_id
        }
        theirs = {
            held.id: (held.status, held.package, held.email) for held in self.world.held.values()
        }
        assert ours == theirs


def wipe() -> None:
    """An empty database, quicker than by TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for model in engine_turns.TABLES:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
        cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def _database(transactional_db: None, settings: Any) -> None:
    settings.TIME_SCALE = 1.0


@pytest.mark.usefixtures("_database")
def test_no_history_breaks_the_engine() -> None:
    profile = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "ci")]
    run_state_machine_as_test(Engine, settings=profile)
