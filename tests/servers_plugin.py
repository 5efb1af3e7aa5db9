"""Pytest plugin: a throw-away PostgreSQL and Redis for the run, and the settings that go with them.

It must be loaded by `-p` (pyproject.toml does): pytest-django reads the settings before any
conftest.py. A given DATABASE_URL or REDIS_URL is used as it is.

The processes of pytest-xdist share the servers, and have everything else for themselves: their
databases, a simulator on a port of its own, their folders.
"""

from __future__ import annotations

import atexit
import base64
import gc
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from partnerhub.local import databases, private_dirs, servers
from tests import template_database

LOOPBACK = "127.0.0.1,localhost,::1"
#: New objects between two looks for cycles, 700 by default.
GARBAGE = 20_000
_running: list[servers.Server] = []
_began = time.monotonic()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start what is missing before Django's settings are read; workers of xdist inherit it."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        _set_apart(worker)
        return
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-tests-"))
    folder.chmod(0o711)
    atexit.register(_stop, folder)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    own = _start(folder)
    _set_environment(folder)
    if own:
        template_database.begin(folder)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let tests reach this machine only."""
    config.option.allow_hosts = config.option.allow_hosts or LOOPBACK
    config.option.allow_unix_socket = True


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is there once all tests are read stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Leave the closing line's counts where `make test` can repeat them at its very end."""
    if kept := os.environ.get("SUMMARY_FILE"):
        parts, _ = terminalreporter.build_summary_stats_line()
        seconds = time.monotonic() - _began
        counts = ", ".join(text for text, _ in parts)
        lines = [*_reasons(terminalreporter), f"{counts} in {seconds:.2f}s"]
        Path(kept).write_text("\n".join(lines))


def _reasons(terminalreporter: pytest.TerminalReporter) -> list[str]:
    """Return why tests were skipped, each reason once: who reads only the end is told, too."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    return [f"*** {number} skipped: {reason}" for reason, number in reasons.items()]


def _start(folder: Path) -> bool:
    """Start the servers that nobody named; tell whether the database is ours."""
    own = "DATABASE_URL" not in os.environ
    if own:
        postgres = servers.Postgres(folder, fast=True)
        _running.append(postgres)
        postgres.start(folder / "postgres.log")
        os.environ["DATABASE_URL"] = databases.ensure(postgres.url, "partnerhub")
        os.environ["SIMULATOR_DATABASE_URL"] = databases.ensure(postgres.url, "simulator")
    if "REDIS_URL" not in os.environ:
        redis = servers.Redis(folder)
        _running.append(redis)
        redis.start(folder / "redis.log")
        os.environ["REDIS_URL"] = redis.url
    os.environ.setdefault(
        "SIMULATOR_DATABASE_URL", databases.named(os.environ["DATABASE_URL"], "simulator")
    )
    return own


def _set_apart(worker: str) -> None:
    """Give a process of xdist (`gw0`, `gw1`, …) what it must not share with the others."""
    environ = os.environ
    number = int(worker.removeprefix("gw")) + 1
    simulator = environ["SIMULATOR_DATABASE_URL"]
    name = urlsplit(simulator).path.strip("/")
    environ["SIMULATOR_DATABASE_URL"] = databases.ensure(simulator, f"{name}_{worker}")
    environ["SIMULATOR_URL"] = f"http://127.0.0.1:{servers.free_port()}"
    environ["REDIS_URL"] = databases.named(environ["REDIS_URL"], str(number))
    environ["EXPORTS_DIR"] += f"-{worker}"
    environ["DEMO_FILE"] += f"-{worker}"


def _set_environment(folder: Path) -> None:
    """Give the product what `make run` would give it; every value can be set from outside."""
    (folder / "static").mkdir()  # WhiteNoise warns about a missing one
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    for name, value in {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_KEYS": f"test:{key}",
        "PUBLIC_URL": "http://testserver",
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost,[::1]",
        "EMBEDDED": "1",
        "STATICFILES_BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
        "BACKEND_HOSTS": "127.0.0.1",
        "SIMULATOR_URL": f"http://127.0.0.1:{servers.free_port()}",
        "SIMULATOR_CONTROL_TOKEN": secrets.token_urlsafe(24),
        "EXPORTS_DIR": str(folder / "exports"),
        "STATIC_ROOT": str(folder / "static"),
        "DEMO_FILE": str(folder / "demo.json"),
        "DEMO_PASSWORD": secrets.token_urlsafe(12),
    }.items():
        os.environ.setdefault(name, value)


def _leave(number: int, _frame: object) -> None:
    pytest.exit(f"stopped by {signal.Signals(number).name}", returncode=128 + number)


def _stop(folder: Path) -> None:
    template_database.end()
    while _running:
        _running.pop().stop(at_once=True)
    private_dirs.remove_private_dir(folder)
    shutil.rmtree(folder, ignore_errors=True)
