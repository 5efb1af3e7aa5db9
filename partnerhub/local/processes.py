"""What `make run` starts: the processes of the product, their order and their environment."""

from __future__ import annotations

import http.client
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from partnerhub.local import databases, local_secrets, servers, system
from partnerhub.local.managed_process import Spec

ROOT = Path(__file__).resolve().parents[2]
WORKER_SECONDS = 40.0
# A page that PostgreSQL cannot answer in time says so; it must not hold a thread.
WEB_LIMITS = {"STATEMENT_SECONDS": "3", "LOCK_SECONDS": "2"}
WORKER_LIMITS = {"STATEMENT_SECONDS": "15", "LOCK_SECONDS": "5"}
# Two workers: whatever takes long (sync, exports, mail servers, a backend in trouble) holds up
# nobody's actions, which are one exchange each.
QUEUES = {"worker": "provision,sweep", "background": "background,sync,mail,export"}
# What the simulated backend must not know: it stands in for somebody else's system.
NOT_FOR_THE_SIMULATOR = {"SECRET_KEY", "TOKEN_KEYS", "DATABASE_URL", "REDIS_URL"}


class Refused(Exception):
    """Nothing was started; the text says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where a run lives: its folder, its two ports, and what was given from outside."""

    run: Path
    port: int
    simulator_port: int
    given: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where the product is reached."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def simulator_url(self) -> str:
        """Where the backend's stand-in is reached, ours or one that was given."""
        return self.given.get("SIMULATOR_URL") or f"http://127.0.0.1:{self.simulator_port}"

    @property
    def needs_simulator(self) -> bool:
        """Tell whether the backend is our own stand-in, which then has to be started."""
        return not self.given.get("SIMULATOR_URL")

    @property
    def embedded(self) -> bool:
        """Tell whether the database is our own."""
        return not self.given.get("DATABASE_URL")

    @property
    def seeds(self) -> bool:
        """Tell whether demo data may be put into the database."""
        return self.embedded or self.given.get("DEMO", "") in {"1", "true", "yes", "on"}

    @property
    def demo_file(self) -> Path:
        """What people and checks read to know their way around."""
        return self.run / "demo.json"


class Plan:
    """The processes of one run. `everything()` or `simulator_only()` gives their list."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.servers: list[servers.Server] = []
        self.postgres: servers.Postgres | None = None
        self.environment = self._environment()

    def everything(self) -> list[Spec]:
        """Return all processes of the product, the order of start given by `after`."""
        specs = [*self._servers(), *self._simulator(), *self._product()]
        if self.place.seeds:
            needs = ("prepare", "simulator") if _has(specs, "simulator") else ("prepare",)
            specs.append(self._command("seed", "seed_demo", "--if-empty", after=needs))
        return specs

    def simulator_only(self) -> list[Spec]:
        """Return the backend's stand-in and its database."""
        return [*self._servers()[:1], *self._simulator()]

    def private_dirs(self) -> list[Path]:
        """Return the private folders outside the checkout that hold data."""
        return sorted({server.private_dir for server in self.servers if server.private_dir})

    def _environment(self) -> dict[str, str]:
        """Return what the processes are told; what was given from outside wins."""
        place, run = self.place, self.place.run
        database, redis = self._addresses()
        own = {
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "SIMULATOR_DATABASE_URL": self._simulator_database(database),
            "SECRET_KEY": local_secrets.kept(run / "secret.key", lambda: secrets.token_urlsafe(48)),
            "TOKEN_KEYS": local_secrets.kept(run / "token.key", local_secrets.token_key),
            "PUBLIC_URL": place.url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
            "EMBEDDED": "1" if place.embedded else "0",
            "SIMULATOR_URL": place.simulator_url,
            "SIMULATOR_PUBLIC_URL": place.simulator_url,
            "SIMULATOR_CONTROL_TOKEN": local_secrets.kept(
                run / "simulator.token", lambda: secrets.token_urlsafe(24)
            ),
            "BACKEND_HOSTS": "127.0.0.1",
            "EXPORTS_DIR": str(run / "exports"),
            "STATIC_ROOT": str(run / "static"),
            "DEMO_FILE": str(place.demo_file),
            "DEMO_PASSWORD": local_secrets.kept(run / "demo.password", local_secrets.demo_password),
            "WEB_BIND": f"127.0.0.1:{place.port}",
            "PYTHONUNBUFFERED": "1",
            **system.child_environment(),
        }
        environment = own | {name: value for name, value in place.given.items() if value}
        local_secrets.write_environment(run / "env", {name: environment[name] for name in own})
        return environment

    def _simulator_database(self, database: str) -> str:
        """Return the address of the simulator's own database.

        On a server that isn't ours it bears both names, as others may have theirs there, and it
        has to be made here. Raises Refused when that server doesn't let us.
        """
        if self.place.embedded:
            return databases.named(database, "simulator")
        name = f"{urlsplit(database).path.strip('/')}_simulator"
        if not self.place.needs_simulator or "SIMULATOR_DATABASE_URL" in self.place.given:
            return databases.named(database, name)
        try:
            return databases.ensure(database, name)
        except psycopg2.Error as error:
            raise Refused(
                f"The database {name} could not be made: {str(error).strip()}\n"
                "Make it by hand, or set SIMULATOR_DATABASE_URL, or, to use another backend, "
                "SIMULATOR_URL."
            ) from None

    def _addresses(self) -> tuple[str, str]:
        run, given = self.place.run, self.place.given
        if self.place.embedded:
            self.postgres = servers.Postgres(run)
            self.servers.append(self.postgres)
        if not given.get("REDIS_URL"):
            self.servers.append(servers.Redis(run))
        own = {server.name: server.url for server in self.servers}
        database = given.get("DATABASE_URL") or databases.named(own["postgres"], "partnerhub")
        return database, given.get("REDIS_URL") or own["redis"]

    def _servers(self) -> list[Spec]:
        specs = []
        for server in self.servers:
            is_database = server is self.postgres
            specs.append(
                Spec(
                    name=server.name,
                    server=server,
                    on_ready=self._make_databases if is_database else lambda: None,
                    stop_seconds=30.0,
                    stop_rank=4 if is_database else 3,
                )
            )
        return specs

    def _make_databases(self) -> None:
        if self.postgres:
            for name in ("partnerhub", "simulator"):
                databases.ensure(self.postgres.url, name)

    def _simulator(self) -> list[Spec]:
        if not self.place.needs_simulator:
            return []
        told = {k: v for k, v in self.environment.items() if k not in NOT_FOR_THE_SIMULATOR}
        port = self.place.simulator_port
        return [
            Spec(
                name="simulator-prepare",
                command=_python("-m", "simulator", "prepare"),
                after=self._database(),
                once=True,
                environment=told,
                folder=ROOT,
            ),
            Spec(
                name="simulator",
                command=_python("-m", "simulator", "serve", "--port", str(port)),
                after=("simulator-prepare",),
                ready=lambda log: answers(port, "/", below=500),
                environment=told,
                folder=ROOT,
                stop_rank=2,
            ),
        ]

    def _product(self) -> list[Spec]:
        prepare = self._command("prepare", "prepare", after=self._database())
        return [prepare, self._web(), *self._celery()]

    def _command(self, name: str, *words: str, after: tuple[str, ...]) -> Spec:
        """Return a management command that has to succeed once."""
        return Spec(
            name=name,
            command=_python("manage.py", *words),
            after=after,
            once=True,
            environment=self.environment,
            folder=ROOT,
        )

    def _web(self) -> Spec:
        port = self.place.port
        return Spec(
            name="web",
            command=_python("-m", "gunicorn", "-c", "gunicorn.conf.py", "partnerhub.wsgi"),
            after=("prepare",),
            ready=lambda log: answers(port, "/readyz", below=300),
            environment=self.environment | WEB_LIMITS,
            folder=ROOT,
            stop_seconds=15.0,
        )

    def _celery(self) -> list[Spec]:
        own_queue = any(server.name == "redis" for server in self.servers)
        after = ("prepare", "redis") if own_queue else ("prepare",)
        schedule = self.place.run / "beat-schedule"
        # It only spares a restarted beat one early tick, and after a crash may be half written.
        for file in schedule.parent.glob(f"{schedule.name}*"):
            file.unlink()
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        environment = self.environment | WORKER_LIMITS
        common: dict[str, Any] = {"environment": environment, "folder": ROOT, "after": after}
        workers = [
            Spec(
                name=name,
                command=_celery(
                    "worker", "-l", "INFO", "-n", name, "-Q", queues, "-c", "3", *quiet
                ),
                ready=lambda log: " ready." in log,
                stop_seconds=WORKER_SECONDS,
                stop_rank=1,
                **common,
            )
            for name, queues in QUEUES.items()
        ]
        return [
            *workers,
            Spec(
                name="beat",
                command=_celery("beat", "-l", "INFO", "-s", str(schedule)),
                ready=lambda log: "beat: Starting" in log,
                **common,
            ),
        ]

    def _database(self) -> tuple[str, ...]:
        return ("postgres",) if self.postgres else ()


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _celery(*arguments: str) -> tuple[str, ...]:
    return _python("-m", "celery", "-A", "partnerhub.celery", *arguments)


def _has(specs: list[Spec], name: str) -> bool:
    return any(spec.name == name for spec in specs)


def answers(port: int, path: str, *, below: int) -> bool:
    """Tell whether a web server at `port` answers `path` with a status below a number."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        link.request("GET", path)
        return link.getresponse().status < below
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def given_environment() -> dict[str, str]:
    """Return the environment we were started with, without what is only `make`'s or ours."""
    ours = {"RUN_LOCK_FD", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PORT", "SIMULATOR_PORT"}
    return {name: value for name, value in os.environ.items() if name not in ours}
