from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.provisioning.rig import Rig, make_rig, shrink_waits
from tests.simulator_process import SimulatorProcess


@pytest.fixture
def rig(
    simulator_process: SimulatorProcess,
    transactional_db,
    settings,
    monkeypatch,
) -> Iterator[Rig]:
    """A fresh world; whatever a test did, our engine must have behaved towards the backend."""
    shrink_waits(settings, monkeypatch)
    fresh = make_rig(simulator_process)
    yield fresh
    fresh.check_manners()
