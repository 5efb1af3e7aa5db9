"""`make test`, `make test-long`, `make test-changed`: tests, with all the set-up they need.

`make test` is what tells whether a change is right: all tests but those marked `long`. Those are
`make test-long`'s: they prove the harnesses (chaos, benchmarks), or look longer for what the others
look for as well. `make test-changed` is in changed_tests.py.

Three runs go beside each other: the browser's tests of the whole product, which one process starts
by `make run`, its other tests, and all others. These are spread over processes that share servers
and have a database each (tests/servers_plugin.py). What the browser's runs print is kept and shown
at the end, so that nothing is mixed up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from partnerhub.local import parent_death
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.chromium import find_chromium
from partnerhub.local.console import say

BROWSER_TESTS = "tests/browser"
BROWSER_PLUGINS = ("-p", "pytest_playwright.pytest_playwright")
NO_CHROMIUM = """
*** BROWSER TESTS SKIPPED: there is no Chromium. Install it as root with
*** apt-get install -y --no-install-recommends chromium
"""
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

    def wait(self) -> None:
        """Wait for its end, and remember how it ended."""
        self.code = self.process.wait() if self.process else None


def main(name: str, argv: list[str]) -> int:
    """Run the tests of a command, or what the arguments tell pytest; 0 only if all passed."""
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        runs = plan(name, argv, Path(folder), with_browser=bool(chromium))
        return run_and_tell(runs, lacks="" if chromium else NO_CHROMIUM)


def run_and_tell(runs: list[Run], *, lacks: str = "") -> int:
    """Run beside each other, then show what was kept; all closing lines are the last words."""
    os.environ["PYTHONUNBUFFERED"] = "1"
    _run(runs)
    for run in runs:
        if run.output:
            say(f"\n--- pytest {' '.join(run.arguments)}\n{run.output.read_text()}")
    if lacks:
        say(lacks)
    if len(runs) > 1 or lacks:
        for run in runs:
            say(run.summary.read_text() if run.summary.exists() else "no tests ran: cut short")
    return max(abs(run.code or 0) for run in runs)


def plan(name: str, argv: list[str], folder: Path, *, with_browser: bool) -> list[Run]:
    """Return what runs beside what; with arguments, one run of just those."""
    if argv:
        return [Run(argv, folder / "only")]
    length = "long" if name == "test-long" else "not long"
    others = ["tests", f"--ignore={BROWSER_TESTS}", "-m", length]
    if name == "test":
        # More than there are cores: each waits now and then, for a server or a clock.
        others += spread((os.cpu_count() or 2) + 2)
    runs = [Run(others, folder / "others")]
    if with_browser:
        for name, chosen in (("product", "product"), ("pages", "not product")):
            browser = [BROWSER_TESTS, *BROWSER_PLUGINS, "-m", f"{length} and {chosen}"]
            runs.append(Run(browser, folder / name, folder / f"{name}.out"))
    return runs


def spread(processes: int) -> list[str]:
    """Return what tells pytest-xdist to use so many processes."""
    return ["-n", str(processes), "--dist", "worksteal"]


def _run(runs: list[Run]) -> None:
    """Start all and wait, in this one thread: a child's life hangs on its thread."""
    # pytest takes its servers down itself: Ctrl-C reaches it anyway, the others are passed on.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in PASSED_ON:
        signal.signal(number, lambda number, _: _pass_on(runs, number))
    for run in runs:
        run.start()
    for run in runs:
        run.wait()


def _pass_on(runs: list[Run], number: int) -> None:
    for run in runs:
        if run.process and run.process.poll() is None:
            run.process.send_signal(number)


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
    sys.exit(main(sys.argv[1], sys.argv[2:]))
