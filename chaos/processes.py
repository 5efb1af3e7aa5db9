"""One process of the stage: started in a group of its own, watched, killed, paused, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from chaos import endings
from partnerhub.local import parent_death
from partnerhub.local.bootstrap import ROOT

START_SECONDS = 60.0
STOP_SECONDS = 45.0


class NotStarted(Exception):
    """A process of the stage did not come up; the text says which log to read."""


class Child:
    """A process with its descendants. Start it from the main thread only: it dies with that."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        log: Path,
        is_ready: Callable[[Child], bool] = lambda child: True,
    ) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self._ready = is_ready
        self.process: subprocess.Popen[bytes] | None = None
        self._log_began = 0

    @property
    def pid(self) -> int:
        """Its process ID; 0 when it does not run."""
        return self.process.pid if self.process and self.process.poll() is None else 0

    def spawn(self) -> None:
        """Start it without waiting until it is ready."""
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out, endings.undisturbed():
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=parent_death.die_with_parent(),
            )

    def wait_until_ready(self) -> None:
        """Wait until it says that it is; raises NotStarted."""
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if not self.pid or time.monotonic() > end:
                raise NotStarted(f"{self.name} did not start; read {self.log}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Tell whether it runs and says that it is ready."""
        return bool(self.pid) and self._ready(self)

    def start(self) -> None:
        """Start it and wait until it is ready; raises NotStarted."""
        self.spawn()
        self.wait_until_ready()

    def said(self) -> str:
        """What it wrote to its log since it was last started."""
        with self.log.open("rb") as file:
            file.seek(self._log_began)
            return file.read().decode(errors="replace")

    def family(self) -> list[psutil.Process]:
        """The process and all its descendants, itself first."""
        with suppress(psutil.NoSuchProcess):
            if self.pid:
                main = psutil.Process(self.pid)
                return [main, *main.children(recursive=True)]
        return []

    def descendants(self) -> list[psutil.Process]:
        """Its pool children."""
        return self.family()[1:]

    def kill(self) -> None:
        """SIGKILL to it and all its descendants at once, as a power cut would."""
        if self.process:
            family = self.family()
            self.signal_group(signal.SIGKILL)
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            self.process.wait()

    def signal_group(self, number: int) -> None:
        """Send a signal to it and all its descendants."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def signal(self, number: int) -> None:
        """Send a signal to the process itself alone."""
        if self.pid:
            os.kill(self.pid, number)

    def stop(self, seconds: float = STOP_SECONDS) -> float:
        """End it by SIGTERM, after that by SIGKILL; returns how long it took."""
        began = time.monotonic()
        if not self.process:
            return 0.0
        self.signal_group(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()
        return time.monotonic() - began


def says(words: str) -> Callable[[Child], bool]:
    """Ready when its log holds these words."""
    return lambda child: words in child.said()


def serves(child: Child) -> bool:
    """Ready when somebody listens where its environment's WEB_BIND says."""
    host, port = child.environment["WEB_BIND"].split(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0
