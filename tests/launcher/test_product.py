"""The whole product under its supervisor, as `make run` has it: ready, mended, found again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest

from partnerhub.local import private_dirs, servers
from partnerhub.local.reaper import is_alive
from tests.launcher.conftest import ROOT, Play, wait_for
from tests.needs import need_proc

pytestmark = pytest.mark.long

SERVICES = {"postgres", "redis", "simulator", "web", "worker", "background", "beat"}
KEYS = {
    "url", "simulator_url", "simulator_token", "password", "administrators", "templates",
    "portal_logins", "spare_provisioning_ids", "processes",
}  # fmt: skip
# What the tests' own servers are told must not leak into this run.
FROM_OUTSIDE = ("PATH", "HOME", "LANG", "TMPDIR")


class Product(Play):
    """A run in a folder of its own, on free ports."""

    def __init__(self, folder):
        super().__init__(folder)
        self.port = servers.free_port()
        self.simulator_port = servers.free_port()

    @property
    def environment(self):
        kept = {name: os.environ[name] for name in FROM_OUTSIDE if name in os.environ}
        ports = {"PORT": str(self.port), "SIMULATOR_PORT": str(self.simulator_port)}
        return kept | ports | {self.mark: "1"}

    def start(self):
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_for(lambda: self.process.poll() is not None or "ready http" in self.text(), 300)
        assert self.process.poll() is None, self.text()
        return self

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)

    def pids(self):
        """Redis writes over its own environment, where the mark would be: ask for it by name."""
        told = self.demo()["processes"].values() if (self.folder / "demo.json").exists() else []
        return [*super().pids(), *(pid for pid in told if is_alive(pid))]

    def readiness(self):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(link), contextlib.suppress(OSError, http.client.HTTPException):
            link.request("GET", "/readyz")
            answer = link.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None

    def kill(self, name):
        """Kill a service and wait until the supervisor has it up again."""
        before = self.demo()["processes"][name]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: self.demo()["processes"][name] != before)

    def partners(self):
        environment = (self.folder / "env").read_text()
        line = next(line for line in environment.splitlines() if "DATABASE_URL=" in line)
        url = line.split("=", 1)[1].strip("'")
        with contextlib.closing(psycopg2.connect(url)) as link, link.cursor() as cursor:
            cursor.execute("SELECT uuid FROM accounts_partner ORDER BY 1")
            return cursor.fetchall()


@pytest.fixture(scope="module")
def product():
    need_proc()
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-product-"))
    folder.chmod(0o711)
    made = Product(folder).start()
    yield made
    made.tidy()
    private_dirs.remove_private_dir(folder)
    shutil.rmtree(folder)


def test_it_says_when_it_is_ready_and_how_to_sign_in(product):
    demo = product.demo()
    told = [demo["password"], *(person["email"] for person in demo["administrators"])]

    assert f"ready http://127.0.0.1:{product.port}" in product.text().splitlines()
    wait_for(lambda: all(words in product.text() for words in told))  # comes right after it


def test_the_demo_file_tells_everything_and_to_its_owner_only(product):
    demo = product.demo()

    assert set(demo) >= KEYS
    assert set(demo["processes"]) == SERVICES
    assert all(map(is_alive, demo["processes"].values()))
    assert demo["url"] == f"http://127.0.0.1:{product.port}"
    for name in ("demo.json", "token.key", "secret.key", "env"):
        assert stat.S_IMODE((product.folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["web", "redis", "postgres", "simulator"])
def test_what_is_killed_comes_back_and_the_product_is_ready_again(product, name):
    product.kill(name)

    report = wait_for(product.readiness)

    assert report["ready"]


def test_stopped_and_started_again_it_has_its_data_and_seeds_no_second_time(product):
    partners = product.partners()
    assert partners

    assert product.stop() == 0
    assert product.pids() == []
    product.start()

    assert product.partners() == partners


def test_killed_and_started_again_it_has_its_data(product):
    partners = product.partners()

    product.process.kill()
    product.process.wait()
    wait_for(lambda: not product.pids())
    product.start()

    assert product.partners() == partners
    assert product.readiness()["ready"]
