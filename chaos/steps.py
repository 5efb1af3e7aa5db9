"""Strikes at named steps inside a worker: it dies, or is stopped, just there.

The product holds no hooks. `chaos.worker` wraps functions of it, and each passage of a job through
a step is written to a log, from which recoveries are reckoned afterwards. The steps, in order:

- claimed: the job is taken and its intent committed, nothing is connected yet;
- byte: the request is about to be written;
- answered: the answer came whole, nothing of it is recorded;
- told: the connection's gate was told to close, at least until a time;
- recorded: what it means is committed.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STEPS = ("claimed", "byte", "answered", "recorded")
VARIABLE = "CHAOS_STEPS"
#: Seconds by which a worker's own clock is wrong.
CLOCK = "CHAOS_CLOCK"


@dataclass(frozen=True)
class Rule:
    """What happens to whom at a step.

    Attributes:
        step: one of STEPS.
        act: "kill" (SIGKILL to this process) or "stop" (SIGSTOP for `seconds`).
        chance: of each job, once at each step; drawn from the seed and the user's ID.
        seconds: how long a stopped process stands still.
        user: only this user's job, and every time ("" = any job, each at most once).
    """

    step: str
    act: str
    chance: float = 1.0
    seconds: float = 0.0
    user: str = ""


@dataclass(frozen=True)
class Plan:
    """What workers are told: the rules, and where they keep their books.

    Attributes:
        folder: holds `passages` (the log), `armed` (strikes happen while it exists) and one
            mark for each strike.
        call_seconds: connect and whole call to the backend, in place of the product's.
        hard_seconds: the hard time limit of a task, shorter than a lease.
    """

    folder: str
    seed: int
    rules: tuple[Rule, ...]
    call_seconds: float
    hard_seconds: float

    def write(self) -> dict[str, str]:
        """Write it down, arm it; returns the variable that tells a worker of it."""
        folder = Path(self.folder)
        folder.mkdir(exist_ok=True)
        (folder / "armed").touch()
        (folder / "plan.json").write_text(json.dumps(asdict(self)))
        return {VARIABLE: str(folder / "plan.json")}

    def disarm(self) -> None:
        """No more strikes."""
        (Path(self.folder) / "armed").unlink(missing_ok=True)


def read_plan() -> Plan:
    """Return the plan that this worker was told of."""
    values = json.loads(Path(os.environ[VARIABLE]).read_text())
    rules = tuple(Rule(**rule) for rule in values.pop("rules"))
    return Plan(rules=rules, **values)


class Steps:
    """What a worker does at each step: note the passage, then perhaps strike."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path(plan.folder)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self.log = os.open(self.folder / "passages", flags, 0o600)

    def passed(self, step: str, job_id: int, user: str, **more: Any) -> None:
        """A job has come to a step: note it, then perhaps strike."""
        self.note(step, job_id, user, **more)
        self.strike(step, job_id, user)

    def strike(self, step: str, job_id: int, user: str) -> None:
        """Do what the rules say for this job at this step."""
        for rule in self.plan.rules:
            if rule.step == step and self._strikes(rule, job_id, user):
                self.note(rule.act, job_id, user, at=step, seconds=rule.seconds)
                _strike(rule)

    def note(self, step: str, job_id: int, user: str, **more: Any) -> None:
        """Write down that a job has come to a step."""
        entry = {"t": time.time(), "pid": os.getpid(), "step": step, "job": job_id, "user": user}
        os.write(self.log, (json.dumps(entry | more) + "\n").encode())

    def _strikes(self, rule: Rule, job_id: int, user: str) -> bool:
        if rule.user not in {"", user} or not (self.folder / "armed").exists():
            return False
        if rule.user:
            return True
        drawn = hashlib.sha256(f"{self.plan.seed} {rule} {user} {job_id}".encode()).digest()
        if int.from_bytes(drawn[:6]) >= rule.chance * 2**48:
            return False
        try:  # each job once at each step: what is tried is to recover, not to be poisoned
            (self.folder / f"{rule.act}-{rule.step}-{job_id}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _strike(rule: Rule) -> None:
    if rule.act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    wake = f"sleep {rule.seconds}; kill -CONT {os.getpid()}"
    subprocess.Popen(["/bin/sh", "-c", wake], start_new_session=False)
    os.kill(os.getpid(), signal.SIGSTOP)


def read_passages(folder: Path) -> list[dict[str, Any]]:
    """Return all that workers noted, oldest first."""
    log = folder / "passages"
    lines = log.read_text().splitlines() if log.exists() else []
    return sorted((json.loads(line) for line in lines), key=lambda entry: float(entry["t"]))
