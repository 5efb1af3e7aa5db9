"""Runs all processes of the product and stops them together: what `make run` becomes.

Single-threaded on purpose: the kernel ties a child's life to the *thread* that started it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from partnerhub.local import bootstrap, demo_file
from partnerhub.local.console import say
from partnerhub.local.managed_process import ManagedProcess, Spec, State
from partnerhub.local.parent_watch import ParentWatch
from partnerhub.local.private_dirs import PrivateDirRefused
from partnerhub.local.processes import ROOT, Place, Plan, Refused, given_environment
from partnerhub.local.servers import ServerFailed

REAPER = Path(__file__).with_name("reaper.py")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
CHECK_LOGS_SECONDS = 60.0


class Reaper:
    """The process that outlives a killed supervisor just long enough to end its children."""

    def __init__(self, lock: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-S", "-E", str(REAPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=(lock,),
            start_new_session=True,
        )

    def add(self, pid: int, number: int) -> None:
        """Entrust a child, with the signal that stops it."""
        self._tell(f"add {pid} {number}")

    def remove(self, pid: int) -> None:
        """Forget a child that has ended."""
        self._tell(f"remove {pid}")

    def dismiss(self) -> None:
        """End it when nothing is left to watch."""
        with contextlib.suppress(OSError):
            self._input.close()
        self._process.wait()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - opened above
        return self._process.stdin

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # killed by somebody: the kernel's own tie remains
            self._input.write(line.encode() + b"\n")
            self._input.flush()


class Supervisor:
    """Steps through the lives of all processes until there is a reason to stop."""

    def __init__(self, specs: list[Spec], run: Path, reaper: Reaper) -> None:
        logs = run / "logs"
        logs.mkdir(exist_ok=True)
        self.managed = [ManagedProcess(spec, logs, reaper) for spec in specs]
        self.demo_file = run / "demo.json"
        self._parent = ParentWatch()
        self._reason = ""
        self._pids: dict[str, int] = {}
        self._listen_for_signals()

    def _listen_for_signals(self) -> None:
        """Have signals noted and the sleep below cut short, the end of a child included."""
        self._ear, mouth = socket.socketpair()
        self._ear.setblocking(False)
        mouth.setblocking(False)
        self._mouth = mouth
        signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note_signal)
        for number in (signal.SIGUSR1, signal.SIGCHLD):  # our parent ended; a child ended
            signal.signal(number, lambda *_: None)

    def _note_signal(self, number: int, _frame: object) -> None:
        self._reason = self._reason or signal.Signals(number).name

    def run(self, announce: list[str]) -> int:
        """Start everything, say so once all is ready, keep it up; return the exit code."""
        ready = False
        next_trim = 0.0
        while not self._should_stop():
            self._step()
            if not ready and all(process.is_settled for process in self.managed):
                ready = True
                self._publish_pids()
                self._announce(announce)
            elif ready:
                self._publish_pids()
            if (now := time.monotonic()) >= next_trim:
                next_trim = now + CHECK_LOGS_SECONDS
                for process in self.managed:
                    process.trim_log()
            self._sleep(1.0 if ready else 0.05)
        return self._stop_all()

    def _should_stop(self) -> bool:
        self._reason = self._reason or self._parent.reason_to_stop()
        return bool(self._reason or self._failures())

    def _failures(self) -> list[str]:
        return [process.failure for process in self.managed if process.failure]

    def _step(self) -> None:
        settled = {process.spec.name for process in self.managed if process.is_settled}
        for process in self.managed:
            process.step(settled, time.monotonic())

    def _sleep(self, seconds: float) -> None:
        if any(process.state in {State.STARTING, State.RESTING} for process in self.managed):
            seconds = min(seconds, 0.05)
        select.select([self._ear], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)

    def _publish_pids(self) -> None:
        """Keep `processes` of the demo file true: the last known id of every service."""
        services = [process for process in self.managed if not process.spec.once]
        pids = self._pids | {k.spec.name: k.pid for k in services if k.pid}
        if pids != self._pids:
            self._pids = pids
            with contextlib.suppress(OSError):
                demo_file.update(self.demo_file, {"processes": pids})

    def _announce(self, lines: list[str]) -> None:
        head, *rest = lines
        say(f"\n{head}")
        has_pages = any(process.spec.name == "web" for process in self.managed)
        signing_in = demo_file.describe(self.demo_file, head.removeprefix("ready "))
        for line in [*rest, *(signing_in if has_pages else [])]:
            say(line)

    def _stop_all(self) -> int:
        """Stop in order. A second signal changes nothing: it is noted and ignored."""
        failures = self._failures()
        for text in failures:
            say(f"\n{text}")
        say(f"\nStopping ({self._reason or 'one process failed'}) ...")
        for rank in sorted({process.spec.stop_rank for process in self.managed}):
            group = [process for process in self.managed if process.spec.stop_rank == rank]
            for process in group:
                process.stop(time.monotonic())
            while any(process.state is not State.ENDED for process in group):
                for process in group:
                    if process.state is not State.ENDED:
                        process.step(frozenset(), time.monotonic())
                select.select([self._ear], [], [], 0.05)
                with contextlib.suppress(BlockingIOError):
                    self._ear.recv(4096)
        say("Stopped.")
        return 1 if failures else 0


def read_port(name: str, default: int) -> int:
    """Return a port from the environment; raises Refused with words when it is none."""
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise Refused(f"{name} must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_port(name: str, port: int) -> None:
    """Raise Refused with words when somebody else listens on a port we need."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Refused(f"Port {port} needs root. Choose another: make run {name}=8010") from None
        except OSError:
            raise Refused(
                f"Port {port} is taken by another program. Choose another: make run {name}=8010"
            ) from None


def find_place(*, simulator_only: bool) -> Place:
    """Return where this run lives, its ports known to be free; raises Refused."""
    place = Place(
        run=ROOT / ".run",
        port=read_port("PORT", 8000),
        simulator_port=read_port("SIMULATOR_PORT", 8001),
        given=given_environment(),
    )
    if place.port == place.simulator_port:
        raise Refused("PORT and SIMULATOR_PORT must differ.")
    if not simulator_only:
        check_port("PORT", place.port)
    if place.needs_simulator:
        check_port("SIMULATOR_PORT", place.simulator_port)
    return place


def take_over_lock(url: str) -> int:
    """Return the lock that the bootstrap took for us, no longer inherited by children."""
    number = int(os.environ.pop("RUN_LOCK_FD", "-1"))
    if number < 0:
        raise Refused("Start this with `make run`: it needs the lock of .run/.")
    os.set_inheritable(number, False)
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    bootstrap.write_lock(os.fdopen(number, "r+", closefd=False), url=url)
    return number


def main(argv: list[str]) -> int:
    """Run the product, or with the argument `simulator` the backend's stand-in alone."""
    alone = argv[1:] == ["simulator"]
    try:
        place = find_place(simulator_only=alone)
        url = place.simulator_url if alone else place.url
        lock = take_over_lock(url)
        say("Starting ...")
        plan = Plan(place)
        specs = plan.simulator_only() if alone else plan.everything()
    except (Refused, PrivateDirRefused, ServerFailed) as error:
        say(str(error))
        return 1
    os.umask(0o077)
    reaper = Reaper(lock)
    code = Supervisor(specs, place.run, reaper).run(announcement(place, plan, url))
    reaper.dismiss()
    return code


def announcement(place: Place, plan: Plan, url: str) -> list[str]:
    """Return the ready line and what else holds for this run."""
    lines = [f"ready {url}", "", f"Simulated backend: {place.simulator_url}"]
    for folder in plan.private_dirs():
        lines.append(f"The database lies in {folder} (0700), as this folder is closed to its user.")
    if place.embedded and url == place.url:  # elsewhere the page does not exist
        lines.append(f"Mails, and BroadWorks sign-ins for the portal: {url}/dev/mailbox/")
    return [*lines, "Logs: make logs (.run/logs/). Stop: Ctrl-C.", ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
