"""The people of a run, in the backend and, by a sync, in the product."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.audit import Actor
from accounts.models import BackendConnection, Partner, RetryBy, User
from accounts.rights import Role
from chaos.backend import Backend, Json
from provisioning.jobs import outbox
from provisioning.sync import passes
from templates_app.models import OnboardingTemplate

TENANTS = ("Nordictel", "Iberfone", "Balticom")
#: One of them has its retries sent as two requests, with all that can happen between them.
RETRY_BY = {"Balticom": RetryBy.DELETE_THEN_POST}
ENTERPRISES = 6
#: Entries in one world document.
AT_ONCE = 1000
#: Few enough that two settings fit between them, many enough to keep a worker busy.
IN_FLIGHT = 4
FAST = 60_000  # requests a minute: the run's faults limit it, not the product's own rate


@dataclass(frozen=True)
class Person:
    """A user as the run begins."""

    user_id: str
    tenant: str
    status: str


@dataclass
class World:
    """Who is there, and who acts for them."""

    people: list[Person]
    actors: dict[str, Actor] = field(default_factory=dict)
    connections: dict[str, BackendConnection] = field(default_factory=dict)

    def set_connections(self, **values: Any) -> None:
        """Change settings of all connections."""
        BackendConnection.objects.update(**values)

    def close(self, seconds: float) -> None:
        """Close all gates for a while, as a Retry-After does."""
        self.set_connections(not_before=timezone.now() + timedelta(seconds=seconds))

    def open(self) -> None:
        """Open all gates."""
        self.set_connections(not_before=None)

    def hints(self, most: int) -> int:
        """Publish so many hints, the same ones again and again; returns how many."""
        some = [{"connection_id": one.pk} for one in self.connections.values()]
        calls = some * (most // len(some))
        outbox.publish_all("provisioning.serve", calls)
        return len(calls)


def user_id(number: int, tenant: str) -> str:
    """The BroadWorks ID of a run's user."""
    return f"45{number:08d}@{tenant.lower()}.example"


def made(backend: Backend, seed: int, sizes: Mapping[str, int], settings: Json) -> World:
    """Fill backend and product with so many users for each tenant; `settings` are of accounts.

    Raises RuntimeError when the first sync fails: nothing would be tried then.
    """
    luck = random.Random(f"world {seed}")
    tenants = [name for name in sizes for _ in range(sizes[name])]
    luck.shuffle(tenants)
    world = World(
        [
            Person(user_id(number, name), name, luck.choice(["error", "error", "provisioned"]))
            for number, name in enumerate(tenants)
        ]
    )
    backend.control("POST", "world", _accounts(list(sizes), settings))
    entries = [_subscriber(number, person) for number, person in enumerate(world.people)]
    for start in range(0, len(entries), AT_ONCE):
        backend.control("POST", "world", {"subscribers": entries[start : start + AT_ONCE]})
    for name in sizes:
        _tenant(world, backend, name)
    return world


def token(name: str) -> str:
    """The token of a tenant's account at the backend."""
    return f"token-of-{name.lower()}"


def provisioning_id(name: str) -> str:
    """The provisioning ID of a tenant's template."""
    return f"prov-{name.lower()}"


def _tenant(world: World, backend: Backend, name: str) -> None:
    partner = Partner.objects.create(name=name)
    connection = BackendConnection(
        partner=partner,
        api_base_url=f"{backend.url}/v1",
        xsi_base_url=f"{backend.url}/com.broadsoft.xsi-actions/v2.0",
        requests_per_minute=FAST,
        max_in_flight=IN_FLIGHT,
        retry_by=RETRY_BY.get(name, RetryBy.POST),
    )
    connection.save()
    connection.set_token(token(name))
    connection.save()
    OnboardingTemplate.objects.create(
        partner=partner, name="SMB", provisioning_id=provisioning_id(name)
    )
    person = User.objects.create_user(
        f"anna@{name.lower()}.example", partner=partner, role=Role.FULL, name="Anna Kofoed"
    )
    world.actors[name] = Actor(user=person, label=person.label)
    world.connections[name] = connection
    if not passes.sync_connection(connection.pk):
        raise RuntimeError(f"the first sync of {name} failed")


def _accounts(names: list[str], settings: Json) -> Json:
    quick: Json = {
        "provision_seconds": [0.1, 0.4],
        "update_seconds": [0.1, 0.2],
        "first_user_seconds": 0.4,
    }
    return {
        "accounts": [
            {"token": token(name), "name": name, "settings": quick | settings} for name in names
        ],
        "provisioning_ids": [{"id": provisioning_id(name), "account": name} for name in names],
    }


def _subscriber(number: int, person: Person) -> Json:
    return {
        "user_id": person.user_id,
        "provisioning_id": provisioning_id(person.tenant),
        "enterprise": f"{person.tenant}+{number % ENTERPRISES}",
        "email": f"u{number}@{person.tenant.lower()}.example",
        "first_name": "Freja",
        "last_name": "Nørgaard",
        "status": person.status,
        "errors": [200048] if person.status == "error" else [],
        "primary_phone": f"+45{number:08d}",
        "age_seconds": 3600,
    }
