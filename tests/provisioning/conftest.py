from __future__ import annotations

import pytest

from tests.provisioning.rig import Rig, make_rig
from tests.simulator_process import SimulatorProcess, simulator_process  # noqa: F401


@pytest.fixture
def rig(simulator_process: SimulatorProcess, transactional_db, settings) -> Rig:  # noqa: F811
    settings.TIME_SCALE = 0.02
    return make_rig(simulator_process)
