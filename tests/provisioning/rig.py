"""A partner with a template on a real simulator, for tests of the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from accounts.audit import Actor
from accounts.models import BackendConnection, Partner, User
from accounts.rights import Role
from provisioning import sweep, timing
from provisioning.engine import claiming, worker_turn
from provisioning.engine.exchange import Exchange
from provisioning.jobs import leases, outbox
from provisioning.models import Job, Subscriber
from provisioning.sync import passes
from templates_app.models import OnboardingTemplate
from tests.simulator_process import SimulatorProcess

PROVISIONING_ID = "prov-smb"
ENTERPRISE = "Nordictel+firma"
TOKEN = "token-of-nordictel"
#: The part of the engine's waits that a test waits.
WAITS = 0.02


def subscriber(user_id: str, status: str = "error", **more: Any) -> dict[str, Any]:
    """An entry of a world's subscribers."""
    local = user_id.partition("@")[0]
    return {
        "user_id": user_id,
        "provisioning_id": PROVISIONING_ID,
        "enterprise": ENTERPRISE,
        "email": f"u{local}@firma.example",
        "first_name": "Freja",
        "last_name": "Nørgaard",
        "status": status,
        "primary_phone": "+45 33 12 12 12",
        "age_seconds": 3600,
    } | more


@dataclass
class Rig:
    """Everything a test of the engine needs, with verbs."""

    simulator: SimulatorProcess
    partner: Partner
    connection: BackendConnection
    template: OnboardingTemplate
    administrator: User
    forgiven: set[str] = field(default_factory=set)
    grace_ms: int = 50

    @property
    def actor(self) -> Actor:
        """The administrator as one who acts."""
        return Actor(user=self.administrator, label=self.administrator.label)

    def load(self, *subscribers: dict[str, Any], **world: Any) -> None:
        """Put subscribers into the backend (not into ours)."""
        self.simulator.load(
            {
                "accounts": [{"token": TOKEN, "name": "Nordictel"}],
                "provisioning_ids": [{"id": PROVISIONING_ID, "account": "Nordictel"}],
                "subscribers": list(subscribers),
            }
            | world
        )

    def sync(self) -> None:
        """Bring changes in; fails when the sync could not be finished."""
        assert passes.sync_connection(self.connection.pk)

    def row(self, user_id: str) -> Subscriber:
        """Our live row of a user."""
        return Subscriber.objects.live().get(broadworks_id=user_id)

    def given(self, user_id: str, status: str = "error", **more: Any) -> Subscriber:
        """A subscriber that both sides know."""
        self.load(subscriber(user_id, status, **more))
        self.sync()
        return self.row(user_id)

    def step(self) -> int:
        """What workers do in one moment; returns how many exchanges with the backend it took."""
        return sum(worker_turn.serve(row.pk) for row in outbox.waiting_connections())

    def taken(self) -> Exchange:
        """Take the one job that is due, as a worker that goes no further."""
        group = claiming.claim(self.connection.pk)
        assert group
        (exchange,) = group.exchanges
        return exchange

    def drive(self, job: Job, seconds: float = 100.0) -> Job:
        """Work until the job is final; the backend's own delays are skipped."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
            sweep.run()
            job.refresh_from_db()
            if not job.is_unfinished:
                return job
            self.simulator.advance(30)
            time.sleep(0.02)
        raise AssertionError(f"{job} is still {job.state}: {job.result_text}")

    def expect(self, *findings: str) -> None:
        """Say which findings of the judge this test brings about itself, and why, beside it."""
        self.forgiven |= set(findings)

    def check_manners(self) -> None:
        """Fail if the backend saw a doubled key, an overlap or a request before its time.

        A finding that is expected must be found, too.
        """
        verdict = self.simulator.judge(grace_ms=self.grace_ms)
        found = {name for name in ("doubled", "overlaps", "early") if verdict[name]["count"]}
        assert found == self.forgiven, {name: verdict[name] for name in found}

    def effects(self, operation: str) -> int:
        """How many requests of this operation changed something at the backend."""
        return len(self.simulator.requests(operation=operation, effect="true"))


def shrink_waits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine wait for less than usual.

    How soon a request must begin, and how long its job is leased, stay as they are: nothing waits
    for them, and in a fraction of them a busy machine would not get a request on its way.
    """
    settings.TIME_SCALE = WAITS
    monkeypatch.setattr(worker_turn, "START_SECONDS", timing.START_SECONDS / WAITS)
    monkeypatch.setattr(leases, "LEASE_SECONDS", timing.LEASE_SECONDS / WAITS)


def make_rig(simulator: SimulatorProcess) -> Rig:
    """A fresh world on both sides."""
    simulator.reset()
    partner = Partner.objects.create(name="Nordictel")
    connection = BackendConnection(
        partner=partner,
        api_base_url=f"{simulator.url}/v1",
        xsi_base_url=f"{simulator.url}/com.broadsoft.xsi-actions/v2.0",
        requests_per_minute=600_000,
    )
    connection.save()
    connection.set_token(TOKEN)
    connection.save()
    template = OnboardingTemplate.objects.create(
        partner=partner, name="SMB Denmark", provisioning_id=PROVISIONING_ID
    )
    administrator = User.objects.create_user(
        "anna@nordictel.example", partner=partner, role=Role.FULL, name="Anna Kofoed"
    )
    return Rig(simulator, partner, connection, template, administrator)
