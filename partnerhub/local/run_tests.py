"""`make test`: every test, the browser's included, with all the set-up they need.

Four tracks run beside each other, since all of them mostly wait, for processes, answers and
pages: the tests of the engine and its neighbours, the chaos', the launcher's followed by the
browser's, and all others. What the tracks but one print is kept and shown at the end, so that
nothing is mixed up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from partnerhub.local import parent_death
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.chromium import find_chromium
from partnerhub.local.console import say

BROWSER_TESTS = "tests/browser"
LAUNCHER_TESTS = "tests/launcher"
ENGINE_TESTS = ("tests/provisioning", "tests/activation_portal", "tests/partnerhub")
CHAOS_TESTS = "tests/chaos"
BROWSER_PLUGINS = ("-p", "pytest_playwright.pytest_playwright")
INTERRUPTED = 2  # by Ctrl-C; pytest also says so when a test file can't be read
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class Run:
    """One pytest process: its arguments, where its closing line goes, and its output if kept."""

    arguments: list[str]
    summary: Path
    output: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    code: int | None = None

    def start(self) -> None:
        """Start pytest."""
        environment = {**os.environ, "SUMMARY_FILE": str(self.summary)}
        if self.arguments[0] == BROWSER_TESTS:
            # Playwright keeps an event loop in its process: for that loop, and only there.
            environment["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        with _sink(self.output) as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", "pytest", *self.arguments],
                cwd=ROOT,
                env=environment,
                stdout=sink,
                stderr=sink,
                preexec_fn=parent_death.die_with_parent(),
            )

    def is_over(self) -> bool:
        """Tell whether it has ended, and remember how."""
        if self.code is None and self.process:
            self.code = self.process.poll()
        return self.code is not None

    def was_cut_short(self) -> bool:
        """Ended by a signal or Ctrl-C: what follows in the track makes no sense."""
        code = self.code or 0
        return code < 0 or code == INTERRUPTED or code > 128


@dataclass
class Track:
    """Runs one after the other."""

    runs: list[Run]
    done: list[Run] = field(default_factory=list)

    def step(self) -> bool:
        """Go on where it can; True while there is something to do."""
        if not self.runs:
            return False
        current = self.runs[0]
        if current.process is None:
            current.start()
        elif current.is_over():
            self.done.append(self.runs.pop(0))
            if current.was_cut_short():
                self.runs.clear()
        return bool(self.runs)


def main(argv: list[str]) -> int:
    """Run all tests, or what the arguments tell pytest; return 0 only if every run passed."""
    os.environ["PYTHONUNBUFFERED"] = "1"
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as name:
        tracks = plan(argv, Path(name), with_browser=bool(chromium))
        _run(tracks)
        done = [run for track in tracks for run in track.done]
        for run in done:
            if run.output:
                say(f"\n--- pytest {' '.join(run.arguments)}\n{run.output.read_text()}")
        if not chromium:
            say("\n*** BROWSER TESTS SKIPPED: there is no Chromium. Install it as root with")
            say("*** apt-get install -y --no-install-recommends chromium\n")
        if len(done) > 1 or not chromium:  # all closing lines together, as the last words
            for run in done:
                say(run.summary.read_text() if run.summary.exists() else "no tests ran: cut short")
    return max(abs(run.code or 0) for run in done)


def plan(argv: list[str], folder: Path, *, with_browser: bool) -> list[Track]:
    """Return what runs beside what; with arguments, one run of just those."""
    if argv:
        return [Track([Run(argv, folder / "only")])]
    elsewhere = (BROWSER_TESTS, LAUNCHER_TESTS, CHAOS_TESTS, *ENGINE_TESTS)
    others = ["tests", *(f"--ignore={path}" for path in elsewhere)]
    engine = Run([*ENGINE_TESTS], folder / "engine", folder / "engine.out")
    chaos = Run([CHAOS_TESTS], folder / "chaos", folder / "chaos.out")
    waiting = [Run([LAUNCHER_TESTS], folder / "launcher", folder / "launcher.out")]
    if with_browser:
        arguments = [BROWSER_TESTS, *BROWSER_PLUGINS]
        waiting.append(Run(arguments, folder / "browser", folder / "browser.out"))
    others_run = Run(others, folder / "others")
    return [Track([others_run]), Track([engine]), Track([chaos]), Track(waiting)]


def _run(tracks: list[Track]) -> None:
    """Step through all tracks from this one thread: a child's life hangs on its thread."""
    # pytest takes its servers down itself: Ctrl-C reaches it anyway, the others are passed on.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in PASSED_ON:
        signal.signal(number, lambda number, _: _pass_on(tracks, number))
    while sum(track.step() for track in tracks):  # every track takes its step
        time.sleep(0.1)


def _pass_on(tracks: list[Track], number: int) -> None:
    for track in tracks:
        for run in track.runs:
            if run.process and not run.is_over():
                run.process.send_signal(number)
        del track.runs[1:]


@contextmanager
def _sink(path: Path | None) -> Iterator[int | None]:
    """Where a run writes: a file of its own, or straight to the terminal."""
    if path is None:
        yield None
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
