"""The stage of the state machine: a partner, its users on both sides, a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from accounts.models import RetryBy
from accounts.rights import Role
from provisioning.jobs import outbox, user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.kinds import allowed_kinds
from provisioning.models import Job, Subscriber
from provisioning.states import JobKind, Status
from provisioning.sync import passes
from tests.factories import actor_of, make_partner, make_template, make_user
from tests.provisioning import engine_turns
from tests.provisioning.committed import Intents
from tests.provisioning.model_backend import Client, World
from webex.payloads import RemoteSubscriber

ENTERPRISE = "Nordictel+firma"
HELD = {
    "a@nordictel.example": Status.ERROR,
    "b@nordictel.example": Status.WAITING_ADDRESS,
    "c@nordictel.example": Status.PROVISIONED,
    "d@nordictel.example": Status.ERROR,
    "e@nordictel.example": Status.ERROR,
    "f@nordictel.example": Status.PROVISIONED,
}
#: The first users are held by the backend from the start, the last is new.
USERS = [*HELD, "g@nordictel.example"]
PACKAGES = ["basic", "standard", "premium"]


class Clock:
    """The time of this history: a thousandth of a second passes at each look."""

    def __init__(self) -> None:
        self.time = timezone.now()

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time


class Stage(RuleBasedStateMachine):
    """Who is there, and what they can do; the rules say when."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock()
        self.world = World(self.clock.now)
        self.number = 0
        self.ends: dict[int, str] = {}
        #: Where the database's writing was when the tables were looked at last.
        self.looked_at = 0
        #: Per Webex ID: how far in its past our row was when we looked last.
        self.places: dict[str, int] = {}
        #: Jobs during which other hands took the subscriber away.
        self.meddled: set[int] = set()

    # ---- Beginning ----

    @initialize(
        by=st.sampled_from(list(RetryBy)),
        at_once=st.sampled_from([1, 4]),
        seconds=st.sampled_from([3, None]),
    )
    def begin(self, by: RetryBy, at_once: int, seconds: float | None) -> None:
        """A backend that refuses a second subscriber, or one that would take it: that one is
        asked to repeat by DELETE and POST only.
        """
        wipe()
        self.world.unique_key, self.world.seconds = by == RetryBy.POST, seconds
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
        assert passes.sync_connection(self.connection.pk)

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

    # ---- What people can do ----

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
                user_services.retry_activation(row, email=f"u{self.number}@firma.example", **who)
            elif kind == JobKind.DELETE:
                user_services.delete_user(row, **who)
            else:
                package = next(name for name in PACKAGES if name != row.package)
                user_services.change_package(row, package=package, **who)

    def provision(self, user_id: str, who: dict[str, Any]) -> None:
        """As the portal does for somebody whom the backend does not hold."""
        params = {"first_name": "F", "last_name": "N", "package": "standard"}
        params["email"] = f"u{self.number}@firma.example"
        target = outbox.Target(self.connection, self.template, ENTERPRISE, user_id)
        job = outbox.enqueue(JobKind.PROVISION, target, params=params, **who)
        engine_turns.audit_of(job, who["actor"])

    def time_passes(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)
        self.world.catch_up()


def wipe() -> None:
    """An empty database, quicker than by TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for model in engine_turns.TABLES:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
        cursor.execute("SET session_replication_role = origin")
