"""A played `make run`: real supervisor, stand-in processes, everything found again by a mark."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from partnerhub.local import parent_death
from tests.launcher.package_index import environment, indexes
from tests.needs import need_proc, need_tool

__all__ = ["environment", "indexes"]

ROOT = Path(__file__).parents[2]
# Ends on TERM and notes its end, as a well-mannered server does.
POLITE = (
    "trap 'sleep {pause}; echo {name} >> {folder}/ends; exit 0' TERM; up;"
    " while :; do sleep 0.05; done"
)


def wait_for(condition, seconds=100.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.02)
    return found


class Play:
    """One supervisor with its stand-ins."""

    def __init__(self, folder):
        self.folder = folder
        self.mark = f"PLAY_{uuid.uuid4().hex}"
        self.specs = []
        self.process = None
        self.output = folder / "output"

    def has(self, name, line=None, pause=0, **values):
        line = line or POLITE.format(name=name, folder=self.folder, pause=pause)
        self.specs.append({"name": name, "line": line, **values})
        return self

    @property
    def command(self):
        return [sys.executable, "-m", "tests.launcher.play", str(self.folder)]

    @property
    def environment(self):
        return {**os.environ, self.mark: "1"}

    def write(self):
        (self.folder / "specs.json").write_text(json.dumps(self.specs))

    def start(self, *, through=(), **how):
        self.write()
        how.setdefault("preexec_fn", parent_death.listen)
        how.setdefault("stdin", subprocess.DEVNULL)
        with self.output.open("wb") as out:
            how.setdefault("stdout", out)
            self.process = subprocess.Popen(
                through or self.command,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
                **how,
            )
        return self

    def start_make(self, makefile, *, deaf_to=()):
        """Start the play as `make run` does: make, then the program that its recipe becomes."""
        need_tool("make")

        def hear():
            parent_death.listen()  # pytest itself may have been started deaf to some
            for number in deaf_to:
                signal.signal(number, signal.SIG_IGN)

        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                ["make", "-f", str(makefile), "run"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=hear,
            )
        return self

    def text(self):
        return self.output.read_text() if self.output.exists() else ""

    def until_ready(self):
        wait_for(lambda: "ready http" in self.text())
        return self

    def demo(self):
        return json.loads((self.folder / "demo.json").read_text())

    def pids(self):
        """All processes that were started from here, whoever their parent is now."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
                    if not dead and self.mark.encode() in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
        return found

    def supervisor(self):
        return json.loads((self.folder / "lock").read_text())["pid"]

    def ends(self):
        file = self.folder / "ends"
        return file.read_text().split() if file.exists() else []

    def tidy(self):
        for pid in self.pids():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.wait(10)


@pytest.fixture
def play(tmp_path):
    need_proc()
    need_tool("sleep")  # of the stand-ins' shell lines
    played = Play(tmp_path)
    yield played
    played.tidy()


@pytest.fixture
def folder(server_folder):
    return server_folder
