"""Users to act on, and the browser of somebody who may."""

from __future__ import annotations

import pytest

from provisioning.states import Status
from tests.factories import make_subscriber


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


@pytest.fixture
def failing(template):
    return [
        make_subscriber(template, Status.ERROR, error_code="200042", minutes_ago=number)
        for number in (1, 2, 3)
    ]


@pytest.fixture
def busy(template):
    return make_subscriber(template, Status.PROVISIONING, broadworks_id="busy@x.example")
