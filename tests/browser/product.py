"""The whole product, started by `make run` in a copy of the checkout, for browser tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partnerhub.local import parent_death, private_dirs
from partnerhub.local.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300.0


@dataclass
class Product:
    """Where the running product is and what a visitor may know."""

    folder: Path
    demo: dict[str, Any]

    @property
    def url(self) -> str:
        """The product's address."""
        return str(self.demo["url"])

    def template(self, name: str) -> dict[str, Any]:
        """A template of the demo by name."""
        return next(t for t in self.demo["templates"] if t["name"] == name)

    def login(self, template: str, expect: str = "ok", number: int = 0) -> dict[str, Any]:
        """A BroadWorks login to try the portal with."""
        fitting = [
            entry
            for entry in self.demo["portal_logins"]
            if entry["template"] == template and entry["expect"] == expect
        ]
        return fitting[number]


@contextmanager
def running_product() -> Iterator[Product]:
    """Copy the checkout, `make run` there on free ports, wait for the ready line, stop it."""
    with tempfile.TemporaryDirectory(prefix="partnerhub-browser-") as name:
        folder = Path(name) / "checkout"
        _copy_checkout(folder)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", name),
            "PORT": str(free_port()),
            "SIMULATOR_PORT": str(free_port()),
            "SYNC_SECONDS": "5",
        }
        if os.geteuid() == 0:  # the database's own user must be able to walk in
            Path(name).chmod(0o711)
            folder.chmod(0o711)
        log = (Path(name) / "make-run.log").open("w+")
        process = subprocess.Popen(
            ["make", "run"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=parent_death.die_with_parent(),  # a killed test run leaves no product behind
        )
        try:
            _wait_until_ready(process, Path(log.name))
            yield Product(folder, json.loads((folder / ".run" / "demo.json").read_text()))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
            log.close()
            private_dirs.remove_private_dir(folder / ".run")


def _copy_checkout(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (folder / ".venv").symlink_to(ROOT / ".venv")


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if any(line.startswith("ready http") for line in log.read_text().splitlines()):
            return
        time.sleep(0.1)
    raise AssertionError(f"make run did not become ready:\n{log.read_text()[-3000:]}")
