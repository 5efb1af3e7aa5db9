"""The world of this folder's tests, and everybody's browser in it."""

from __future__ import annotations

import pytest

from tests.security import world as worlds
from tests.security.browsers import Browsers
from tests.security.world import World


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.fixture
def browsers(world: World) -> Browsers:
    return Browsers(world)
