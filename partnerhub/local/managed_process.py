"""Keeps one process alive: starts it when its turn has come, restarts it, stops it in order."""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from partnerhub.local import console, parent_death, system
from partnerhub.local.servers import Server

CRASHES = 5
CRASH_WINDOW = 60.0
LOG_BYTES = 20_000_000


class State(enum.Enum):
    """Where a process is in its life."""

    WAITING = "waiting for others"
    STARTING = "starting"
    UP = "up"
    DONE = "done"
    RESTING = "resting before a restart"
    STOPPING = "stopping"
    ENDED = "ended"


class Register(Protocol):
    """Who must know which children there are, should the supervisor be killed."""

    def add(self, pid: int, number: int) -> None: ...
    def remove(self, pid: int) -> None: ...


@dataclass(frozen=True)
class Spec:
    """What to run. A service is restarted; a `once` command must succeed, else nothing will work.

    `stop_rank`: lower ranks stop first. `ready` gets the log's text since the start.
    """

    name: str
    command: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    once: bool = False
    ready: Callable[[str], bool] = lambda log: True
    on_ready: Callable[[], None] = lambda: None
    server: Server | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    start_seconds: float = 90.0
    stop_seconds: float = 10.0
    stop_rank: int = 0


class ManagedProcess:
    """The life of one Spec. `step()` is called often and never blocks for long."""

    def __init__(self, spec: Spec, logs: Path, register: Register) -> None:
        self.spec = spec
        self.log = logs / f"{spec.name}.log"
        self.state = State.WAITING
        self.failure = ""
        self.process: subprocess.Popen[bytes] | None = None
        self._register = register
        self._crashes: list[float] = []
        self._since = 0.0
        self._until = 0.0
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return self.process.pid if self.process else None

    @property
    def is_settled(self) -> bool:
        """Tell whether it is as far as it should be for the product to be ready."""
        return self.state is (State.DONE if self.spec.once else State.UP)

    def step(self, settled: AbstractSet[str], now: float) -> None:
        """Do what is due: start, notice readiness or death, restart, kill what won't stop."""
        if self.process and system.has_ended(self.process):
            self._note_end(now)
        may_start = self.state is State.WAITING and settled >= set(self.spec.after)
        if may_start or (self.state is State.RESTING and now >= self._until):
            self._start(now)
        elif self.state is State.STARTING:
            self._look_for_readiness(now)
        elif self.state is State.STOPPING and now >= self._until:
            self._kill()

    def stop(self, now: float) -> None:
        """Ask the process to end; `step()` kills its group when it takes too long."""
        if self.process is None:
            self.state = State.ENDED
        elif self.state is not State.STOPPING:
            self.state = State.STOPPING
            self._until = now + self.spec.stop_seconds
            with contextlib.suppress(OSError):
                self.process.send_signal(self._stop_signal)

    @property
    def _stop_signal(self) -> int:
        return self.spec.server.stop_signal if self.spec.server else signal.SIGTERM

    def _start(self, now: float) -> None:
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        try:
            if self.spec.server:
                self.spec.server.prepare()
            self.process = self._spawn()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and tried again
            with self.log.open("a") as out:
                out.write(f"could not be started: {error}\n")
            self._note_crash(now)
            return
        self._register.add(self.process.pid, self._stop_signal)
        self.state, self._since = State.STARTING, now

    def _spawn(self) -> subprocess.Popen[bytes]:
        server = self.spec.server
        arguments: dict[str, Any] = {
            "cwd": self.spec.folder,
            "start_new_session": True,  # Ctrl-C in the terminal is for the supervisor alone
            "preexec_fn": parent_death.die_with_parent(self._stop_signal),
        }
        source: IO[bytes] | None = None
        if server:
            arguments, source = server.spawn_arguments(), server.open_input()
        command = server.command() if server else list(self.spec.command)
        with self.log.open("ab") as out, source or contextlib.nullcontext():
            return subprocess.Popen(  # noqa: S603 - our own command line
                command,
                stdin=source or subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(self.spec.environment) or None,
                **arguments,
            )

    def _look_for_readiness(self, now: float) -> None:
        if self.spec.once:
            return
        if self._is_ready():
            self.spec.on_ready()
            self.state = State.UP
        elif now - self._since > self.spec.start_seconds:
            self._kill()

    def _is_ready(self) -> bool:
        if self.spec.server:
            return self.spec.server.is_ready()
        return self.spec.ready(self._log_text())

    def _log_text(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def _note_end(self, now: float) -> None:
        """Collect the dead process, end what it left of its group, decide what comes next."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)  # before wait(): the id is still its own
        code = process.wait()
        self._register.remove(process.pid)
        if self.state is State.STOPPING:
            self.state = State.ENDED
        elif self.spec.once:
            self.state = State.ENDED if code else State.DONE
            self.failure = self._failure_text("failed") if code else ""
        else:
            self._note_crash(now)

    def _note_crash(self, now: float) -> None:
        self._crashes = [at for at in self._crashes if now - at < CRASH_WINDOW] + [now]
        if len(self._crashes) >= CRASHES:
            self.state = State.ENDED
            self.failure = self._failure_text(f"ended {CRASHES} times within a minute")
            return
        rest = 2.0 ** (len(self._crashes) - 1)
        self.state, self._until = State.RESTING, now + rest
        console.say(f"{self.spec.name} ended by itself; starting it again in {rest:.0f} s")

    def _failure_text(self, what: str) -> str:
        return f"{self.spec.name} {what}. Read {self.log}\n{console.last_lines(self._log_text())}"

    def _kill(self) -> None:
        if self.process:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def trim_log(self) -> None:
        """Keep the log below a size: what it held moves to `<name>.log.1`."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES:
                # Copy and cut: the process goes on writing to the same open file.
                self.log.with_suffix(".log.1").write_bytes(self.log.read_bytes())
                os.truncate(self.log, 0)
                self._log_start = 0
