"""`make test`: every test, the browser's included, with all the set-up they need.

Browser tests are a run of their own, because Playwright keeps an event loop in its process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from partnerhub.local import lifeline
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.console import say

BROWSER_TESTS = "tests/browser"
BROWSER_PLUGINS = ("-p", "pytest_playwright.pytest_playwright")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
INTERRUPTED = 2  # by Ctrl-C; pytest also says so when a test file can't be read


def main(argv: list[str]) -> int:
    """Run all tests, or what the arguments tell pytest; return 0 only if every run passed."""
    os.environ["PYTHONUNBUFFERED"] = "1"
    chromium = find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        runs = [argv or ["tests", f"--ignore={BROWSER_TESTS}"]]
        if chromium and not argv and (ROOT / BROWSER_TESTS).is_dir():
            runs.append([BROWSER_TESTS, *BROWSER_PLUGINS])
        summaries = [Path(folder) / str(number) for number in range(len(runs))]
        codes: list[int] = []
        for run, summary in zip(runs, summaries, strict=True):
            codes.append(_pytest(run, summary))
            if codes[-1] < 0 or codes[-1] == INTERRUPTED or codes[-1] > 128:
                break
        if not chromium:
            say("\n*** BROWSER TESTS SKIPPED: there is no Chromium. Install it as root with")
            say("*** apt-get install -y --no-install-recommends chromium\n")
        if len(codes) > 1 or not chromium:  # all closing lines together, as the last words
            for summary in summaries[: len(codes)]:
                say(summary.read_text() if summary.exists() else "no tests ran: cut short")
    return max(abs(code) for code in codes)


def _pytest(arguments: list[str], summary: Path) -> int:
    environment = {**os.environ, "SUMMARY_FILE": str(summary)}
    if arguments[0] == BROWSER_TESTS:
        environment["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # for that event loop, and only there
    say(f"\n--- pytest {' '.join(arguments)}")
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=environment,
        preexec_fn=lifeline.die_with_parent(),
    )
    # pytest takes its servers down itself: Ctrl-C reaches it anyway, the others are passed on.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.send_signal(number))
    return process.wait()


def find_chromium() -> str:
    """Return the path of Chromium, installed first where we may; empty when there is none."""
    if found := _installed_chromium():
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return ""
    say("Installing Chromium for the browser tests ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        result = subprocess.run(  # noqa: S603
            ["apt-get", "-q", *words],  # noqa: S607 - wherever this Debian has it
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            say(f"apt-get {words[0]} failed: {result.stderr.strip()[-1000:]}")
    return _installed_chromium()


def _installed_chromium() -> str:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
