"""The cast of the tests: Nordictel's three roles, a stranger of Iberfone, and their browsers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client, TransactionTestCase
from django.utils import translation

from accounts.models import Partner, User
from accounts.rights import Role
from partnerhub.local import private_dirs
from partnerhub.management.commands.prepare import compile_translations
from partnerhub.rehearsal import status_cache
from provisioning.jobs import outbox
from templates_app.models import OnboardingTemplate
from tests import emptying, factories, template_database
from tests.simulator_process import SimulatorProcess, running_simulator

#: Tests that mostly wait, for processes and time limits: at the end nothing would run beside them.
WAITING = (
    "tests/launcher/",
    "tests/webex/test_hostile.py",
    "tests/simulator/test_faults_connections.py",
    "tests/provisioning/engine/test_worker.py",
    "tests/provisioning/engine/test_hostile_backend.py",
    "tests/provisioning/exports/test_cancel.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask first those that wait."""
    items.sort(key=lambda item: not item.nodeid.startswith(WAITING))


@pytest.fixture(scope="session", autouse=True)
def _translations() -> None:
    """A process reads them once: they must be there before its first Danish words."""
    compile_translations()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Have the test database copied from the run's template; nothing is left to migrate there."""
    if name := template_database.ready():
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = name


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    def empty(case: TransactionTestCase) -> None:
        for database in case._databases_names(include_mirrors=False):
            emptying.empty(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(autouse=True)
def _no_memory_of_a_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page asks the cache, as the first page of a process does: no test knows another's."""
    status_cache.forget()
    monkeypatch.setattr(status_cache, "FRESH", 0.0)


@pytest.fixture(autouse=True)
def _our_first_language() -> None:
    """A page asked for in Danish leaves its thread so, whichever test comes next."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _hints_that_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine drops no hint: nearly no test has the sweep that would make up for it."""
    for limit in ("socket_timeout", "socket_connect_timeout"):
        monkeypatch.setitem(outbox.PUBLISH_LIMITS, limit, 60)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A data folder that the servers' user can reach, which pytest's own are not.

    Where the programs are out of its reach there is a private folder as well, that would stay.
    """
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-servers-"))
    folder.chmod(0o711)
    yield folder
    private_dirs.remove_private_dir(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[SimulatorProcess]:
    """One simulator for the whole run, at SIMULATOR_URL's port where that is set.

    It stands here alone: imported into several conftests it would be as many, on one port.
    """
    port = urlsplit(os.environ.get("SIMULATOR_URL", "")).port
    token = os.environ.get("SIMULATOR_CONTROL_TOKEN") or None
    with running_simulator(port=port, control_token=token) as simulator:
        yield simulator


@pytest.fixture
def partner(db: None) -> Partner:
    return factories.make_partner("Nordictel")


@pytest.fixture
def template(partner: Partner) -> OnboardingTemplate:
    return factories.make_template(partner, "SMB Denmark")


@pytest.fixture
def anna(partner: Partner) -> User:
    """May do everything at Nordictel."""
    return factories.make_user(partner, Role.FULL, "anna@nordictel.example", name="Anna Kofoed")


@pytest.fixture
def bo(partner: Partner) -> User:
    """May act, not manage."""
    return factories.make_user(partner, Role.ADMIN, "bo@nordictel.example", name="Bo Skovgaard")


@pytest.fixture
def rie(partner: Partner) -> User:
    """May look."""
    return factories.make_user(partner, Role.READ_ONLY, "rie@nordictel.example", name="Rie Lund")


@pytest.fixture
def carla(db: None) -> User:
    """May do everything, at another partner."""
    other = factories.make_partner("Iberfone")
    return factories.make_user(other, Role.FULL, "carla@iberfone.example", name="Carla Vidal")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which the given person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        return client

    return sign_in
