"""Workers that stand still and come back, with everything that they meant to do."""

from __future__ import annotations

import signal
import time

from accounts.models import RetryBy
from chaos import steps
from chaos.faults.base import fault
from chaos.run import Run

#: A paused child is past its hard limit (3 s) and its lease (4 s) when it could go on.
PAUSE_SECONDS = 9.0
#: Longer than a lease: whoever was paused believes that it still holds its jobs.
HOST_PAUSE_SECONDS = 6.0


@fault("F8", "children, main processes and the whole host paused")
def paused(run: Run) -> None:
    """A job stops the child that holds it, by a chance of 4 % at each step; then main processes
    stand still alone, then everything of ours at once, for longer than a lease.

    Nothing is doubled, since the backend refuses a second subscriber of the same key.
    """
    _pause(run, unique_key=True)


@fault("F8B", "the same, and the backend takes a second one of a key")
def paused_without_key(run: Run) -> None:
    """Only a pause between the last check and the first byte can double then; it is counted.

    Retries go by DELETE and POST here: a repeated POST makes a twin at such a backend anyway.
    """
    run.may_double = True
    _pause(run, unique_key=False)


def _pause(run: Run, *, unique_key: bool) -> None:
    actions = 250
    rules = tuple(steps.Rule(step, "stop", 0.04, PAUSE_SECONDS) for step in steps.STEPS)
    run.begin(users=actions, rules=rules, settings={"unique_key": unique_key})
    if not unique_key:
        run.world.set_connections(retry_by=RetryBy.DELETE_THEN_POST)
    clients = run.act(actions, per_second=8)
    for _ in range(2):
        time.sleep(run.luck.uniform(2, 4))
        _stop_for(run, main_only=True)
    while not clients.is_over:
        time.sleep(run.luck.uniform(1, 4))
        _stop_for(run, main_only=False)
    run.settle(180)
    stopped = sum(entry["step"] == "stop" for entry in run.passages())
    run.require(stopped >= actions // 20, f"{stopped} children were paused at a step")


def _stop_for(run: Run, *, main_only: bool) -> None:
    run.tell("pause", "main processes" if main_only else "everything")
    for child in run.workers:
        send = child.signal if main_only else child.signal_group
        send(signal.SIGSTOP)
    time.sleep(HOST_PAUSE_SECONDS)
    for child in run.workers:
        send = child.signal if main_only else child.signal_group
        send(signal.SIGCONT)
    run.tell("go on")
