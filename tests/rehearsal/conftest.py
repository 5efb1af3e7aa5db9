from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.models import Partner, User
from partnerhub.rehearsal import simulator_client
from provisioning.jobs import outbox
from tests import factories
from tests.rehearsal.fake import FakeControl


@pytest.fixture(autouse=True)
def _configured(settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    settings.SIMULATOR_CONTROL_TOKEN = "a-control-token"


@pytest.fixture
def fake(monkeypatch) -> FakeControl:
    made = FakeControl()
    monkeypatch.setattr(simulator_client, "_call", made)
    return made


@pytest.fixture
def ops(db) -> User:
    return factories.make_user(None, email="ops@hub.example", name="Ops")


@pytest.fixture
def browser(client_of, ops) -> Client:
    return client_of(ops)


@pytest.fixture
def simulated(partner: Partner) -> Partner:
    """Nordictel, connected to the simulator that is configured here."""
    partner.connection.xsi_base_url = "http://127.0.0.1:9/com.broadsoft.xsi-actions/v2.0"
    partner.connection.save()
    return partner


@pytest.fixture(autouse=True)
def hints(monkeypatch) -> Iterator[list[dict]]:
    told: list[dict] = []
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: told.append({"task": task} | ids))
    return told
