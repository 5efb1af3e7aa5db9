from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.provisioning.rig import Rig, make_rig
from tests.simulator_process import SimulatorProcess


@pytest.fixture
def rig(
    simulator_process: SimulatorProcess,
    transactional_db,
    settings,
) -> Iterator[Rig]:
    """A fresh world; whatever a test did, our engine must have behaved towards the backend."""
    settings.TIME_SCALE = 0.02
    fresh = make_rig(simulator_process)
    yield fresh
    fresh.check_manners()
