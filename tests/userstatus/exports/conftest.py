from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from provisioning.jobs import outbox


@pytest.fixture(autouse=True)
def folder(tmp_path, settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: None)


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


@pytest.fixture
def address(template) -> str:
    return reverse("userstatus:export_start", args=[template.uuid])
