"""One fault's run: a database of its own, workers, clients, and what the fault may use of them."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis
from django.db import DatabaseError, connection, connections

from chaos import load, steps, world
from chaos.backend import Backend, Json
from chaos.browsing import Browser, Watcher
from chaos.history import History
from chaos.options import Options
from chaos.processes import Child, says, serves
from chaos.recovery import part
from chaos.stage import PREPARED, Stage
from chaos.steps import CLOCK
from partnerhub.local import processes
from partnerhub.local.servers import free_port
from provisioning.models import Heartbeat, Job

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
#: Of the product's own limits: a call to the backend, a task, each scaled like the lease.
CALL_SECONDS, HARD_SECONDS = 15.0, 30.0
CLIENTS = 4


@dataclass
class Result:
    """What a run came to, apart from what the checker finds."""

    recoveries: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Run:
    """What a fault's function works with. `begin` first, then `act`, then whatever it does."""

    def __init__(self, number: str, stage: Stage, folder: Path) -> None:
        self.number, self.stage, self.folder = number, stage, folder
        self.options: Options = stage.options
        self.backend: Backend = stage.backend
        self.luck = random.Random(f"{self.options.seed} {number}")
        self.history = History(folder / "history.jsonl")
        self.result = Result()
        self.workers: list[Child] = []
        self.beat: Child | None = None
        self.others: list[Child] = []
        self.steps: steps.Plan | None = None
        self.world = world.World([])
        self.load: load.Load | None = None
        self.grace_ms = 50
        self.may_double = False
        self.gone: set[str] = set()  # users whom somebody else removed
        self.log_began = (stage.logs / "postgres.log").stat().st_size
        self.since = 0  # the last line of the backend's log that is not ours

    # ---- Setting up ----

    def begin(
        self,
        *,
        users: int | Mapping[str, int],
        settings: Json | None = None,
        rules: tuple[steps.Rule, ...] = (),
        clocks: Sequence[float] = (0.0, 0.0),
        database_port: int = 0,
    ) -> None:
        """Make a fresh world and start two workers, the one for background work, and beat.

        `users`: shared out among three tenants, or the number of each. `settings`: of their
        accounts at the backend. `clocks`: how many seconds each worker's is wrong.
        `database_port`: where workers meet PostgreSQL, when it is not its own port (a proxy).
        """
        self._fresh_database()
        self.backend.control("POST", "reset")
        sizes = _shared_out(users) if isinstance(users, int) else users
        self.world = world.made(self.backend, self.options.seed, sizes, settings or {})
        self._plan_steps(rules)
        wrong = {f"worker{n + 1}": seconds for n, seconds in enumerate(clocks)}
        self.workers = [
            self._worker(name, database_port, wrong.get(name, 0.0))
            for name in (*wrong, "background")
        ]
        self.beat = self._beat("beat")
        for child in self.supervised:
            child.spawn()
        for child in self.supervised:
            child.wait_until_ready()
        self.until(Heartbeat.objects.exists, 30, "the first sweep")

    def _fresh_database(self) -> None:
        name = f"run_{self.number.lower()}"
        connections.close_all()
        connection.settings_dict["NAME"] = PREPARED
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connections.close_all()
        connection.settings_dict["NAME"] = "postgres"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {PREPARED}")
        connections.close_all()
        connection.settings_dict["NAME"] = name
        self.broker().flushall()

    def _plan_steps(self, rules: tuple[steps.Rule, ...]) -> None:
        scale = self.options.scale
        self.steps = steps.Plan(
            folder=str(self.folder / "steps"),
            seed=self.options.seed,
            rules=rules,
            call_seconds=CALL_SECONDS * scale,
            hard_seconds=HARD_SECONDS * scale,
        )
        self.told_steps = self.steps.write()

    def environment(self, port: int = 0) -> dict[str, str]:
        """What processes of this run are told."""
        name = str(connection.settings_dict["NAME"])
        url = self.stage.database_url(name)
        if port:
            url = url.replace(f":{self.stage.postgres.port}/", f":{port}/")
            url += "?sslmode=disable&gssencmode=disable"
        return self.stage.environment | {"DATABASE_URL": url, **self.told_steps}

    def _worker(self, name: str, port: int, wrong_by: float) -> Child:
        queues = processes.QUEUES[name.rstrip("0123456789")]
        command = [sys.executable, "-m", "chaos.worker", "worker", "-l", "INFO", "-Q", queues]
        command += ["-c", "2", "-n", name, *QUIET]
        environment = self.environment(port) | processes.WORKER_LIMITS
        environment[CLOCK] = str(wrong_by)
        return Child(name, command, environment, self.folder / f"{name}.log", says(" ready."))

    def start_web(self, module: str = "partnerhub.wsgi", **more: str) -> str:
        """Start a web server; returns its address."""
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", module]
        bind = {"WEB_BIND": f"127.0.0.1:{port}"}
        environment = self.environment() | processes.WEB_LIMITS | bind | more
        child = Child("web", command, environment, self.folder / "web.log", serves)
        self.others.append(child)
        child.start()
        return f"http://127.0.0.1:{port}"

    def watch(self, tenant: str) -> Watcher:
        """Start a web server and a browser that opens the tenant's list again and again."""
        user = self.world.actors[tenant].user
        assert user is not None
        watcher = Watcher(Browser(self.start_web(), user))
        watcher.start()
        return watcher

    def another_beat(self) -> Child:
        """A second beat, not started yet."""
        child = self._beat("beat2")
        self.others.append(child)
        return child

    def _beat(self, name: str) -> Child:
        command = [sys.executable, "-m", "celery", "-A", "partnerhub.celery", "beat", "-l", "INFO"]
        command += ["-s", str(self.folder / f"schedule-{free_port()}")]
        log = self.folder / f"{name}.log"
        return Child(name, command, self.environment(), log, says("beat: Starting"))

    # ---- Acting ----

    def act(
        self,
        actions: int,
        *,
        per_second: float = 0.0,
        once: bool = False,
        seconds: float = 120.0,
        url: str = "",
    ) -> load.Load:
        """Let clients start so many actions; returns at once.

        `once`: one for each user, so that nobody has to wait until another action has ended.
        `url`: of a web server to which they send forms.
        """
        todo = load.parts(self.world, self.options.seed, actions, once=once)
        self.load = load.Load(self.world, self.history, todo, clients=CLIENTS, url=url)
        self.load.meanwhile = self.revive
        self.load.start(per_second=per_second, seconds=seconds)
        return self.load

    def passages(self) -> list[Json]:
        """What workers noted of their steps, oldest first."""
        return steps.read_passages(self.folder / "steps")

    def resumed(self, after: float, seconds: float) -> None:
        """Note as a recovery how long after a moment (seconds since 1970) a job was taken up."""

        def taken() -> bool:
            return any(p["step"] == "claimed" and p["t"] > after for p in self.passages())

        self.until(taken, seconds, "a job taken up after the outage")
        claims = [p["t"] for p in self.passages() if p["step"] == "claimed" and p["t"] > after]
        if claims:
            self.result.recoveries.append(min(claims) - after)

    def check_answers(self, seconds: float) -> None:
        """Require that clients had their answers in time, whatever was going on."""
        took = [entry.took for entry in self.history.accepted()]
        slowest, usual = part(took, 0.99) or 0.0, part(took, 0.5) or 0.0
        text = f"answers to clients: p50 {usual * 1000:.0f} ms, p99 {slowest * 1000:.0f} ms"
        self.require_within(seconds, slowest, text)

    def broker(self) -> redis.Redis:
        """A client of Redis."""
        return redis.Redis.from_url(self.stage.redis.url, socket_timeout=5)

    def tell(self, what: str, detail: str = "") -> float:
        """Write down what the nemesis does; returns when."""
        return self.history.tell(what, detail).at

    def note(self, text: str) -> None:
        """Say something beside the table."""
        self.result.notes.append(text)

    def require(self, is_so: bool, text: str) -> None:
        """A figure that must be reached; else the run has failed, for this reason."""
        (self.result.notes if is_so else self.result.problems).append(text)

    def require_within(self, allowed: float, took: float, text: str) -> None:
        """A time that must be kept, in seconds; more leniently beside other tests."""
        self.require(took <= allowed * self.options.patience, text)

    def until(self, true: Callable[[], object], seconds: float, what: str) -> float:
        """Wait until something is so; returns how long that took, or notes the problem.

        While the database is away nothing is so.
        """
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.revive()
            try:
                if true():
                    return time.monotonic() - began
            except DatabaseError:
                connections.close_all()
            time.sleep(0.05)
        self.result.problems.append(f"not within {seconds:.0f} s: {what}")
        return seconds

    @property
    def supervised(self) -> list[Child]:
        """The product's processes that a supervisor keeps alive."""
        return [*self.workers, *([self.beat] if self.beat else [])]

    def revive(self) -> None:
        """Start again what has ended, as a supervisor does; what ended by itself is noted."""
        for child in self.supervised:
            if child.process and not child.pid:
                if child.process.returncode != -signal.SIGKILL:
                    self.note(f"{child.name} ended by itself and was started again")
                child.spawn()

    # ---- Coming to rest ----

    def settle(self, seconds: float) -> float:
        """Let the clients end, then the strikes, then the jobs; returns how long those took."""
        if self.load:
            self.load.wait()
            self.result.problems += self.load.problems
            self.result.notes += self.load.notes()
        if self.steps:
            self.steps.disarm()
        return self.until(lambda: not Job.objects.unfinished().exists(), seconds, "quiet")

    def end(self) -> None:
        """Stop everything that this run started."""
        for child in (*self.supervised, *self.others):
            child.kill()
        with suppress(DatabaseError):
            connections.close_all()
        self.history.close()


def _shared_out(users: int) -> dict[str, int]:
    shares = [users // len(world.TENANTS)] * len(world.TENANTS)
    shares[0] += users - sum(shares)
    return dict(zip(world.TENANTS, shares, strict=True))


def chosen(short: int, long: int, options: Options) -> int:
    """A size: of the smoke set, or of the whole."""
    return short if options.smoke else long
