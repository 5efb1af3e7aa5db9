"""A job to play with."""

from __future__ import annotations

import pytest

from provisioning.models import Job
from tests.provisioning.engine.requests import FREJA, ask_retry


@pytest.fixture
def job(rig) -> Job:
    return ask_retry(rig, rig.given(FREJA))
