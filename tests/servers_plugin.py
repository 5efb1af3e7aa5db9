"""Pytest plugin: a throw-away PostgreSQL and Redis for the run, and the settings that go with them.

It must be loaded by `-p` (pyproject.toml does): pytest-django reads the settings before any
conftest.py. A given DATABASE_URL or REDIS_URL is used as it is.
"""

from __future__ import annotations

import atexit
import base64
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from partnerhub.local import databases, private_dirs, servers

LOOPBACK = "127.0.0.1,localhost,::1"
_running: list[servers.Server] = []
_began = time.monotonic()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start what is missing before Django's settings are read; workers of xdist inherit it."""
    options = early_config.known_args_namespace
    if "PYTEST_XDIST_WORKER" in os.environ or options.help or options.version:
        return
    folder = Path(tempfile.mkdtemp(prefix="partnerhub-tests-"))
    folder.chmod(0o711)
    atexit.register(_stop, folder)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    _start(folder)
    _set_environment(folder)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let tests reach this machine only."""
    config.option.allow_hosts = config.option.allow_hosts or LOOPBACK
    config.option.allow_unix_socket = True


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


def _start(folder: Path) -> None:
    if "DATABASE_URL" not in os.environ:
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
    while _running:
        _running.pop().stop(at_once=True)
    private_dirs.forget_room(folder)
    shutil.rmtree(folder, ignore_errors=True)
