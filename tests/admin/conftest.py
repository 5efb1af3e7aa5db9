from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from provisioning.jobs import outbox
from tests import factories


@pytest.fixture
def ops(db) -> User:
    return factories.make_user(None, email="ops@hub.example", name="Ops")


@pytest.fixture
def browser(client_of, ops) -> Client:
    return client_of(ops)


@pytest.fixture(autouse=True)
def hints(monkeypatch) -> list[dict]:
    told: list[dict] = []
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: told.append({"task": task} | ids))
    return told
