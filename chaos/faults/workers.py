"""Workers that die or stand still."""

from __future__ import annotations

import json
import time

from chaos import recovery, steps
from chaos.faults.base import fault
from chaos.processes import Child
from chaos.run import Run, chosen
from provisioning.timing import QUIET_SECONDS

RECOVERED_SECONDS = 5.0


@fault("F1", "pool children killed at each step", smoke=True)
def children_killed(run: Run) -> None:
    """Each job kills the process that holds it, by a chance of 8 % at each step.

    Nothing is lost or doubled; a job is taken up again within 5 s, after the quiet time if it
    was perhaps sent.
    """
    actions = chosen(100, 400, run.options)
    rules = tuple(steps.Rule(step, "kill", chance=0.08) for step in steps.STEPS)
    run.begin(users=actions, rules=rules)
    run.act(actions, per_second=8)  # no backlog: what is measured is the recovery, not the queue
    run.settle(120)
    deaths = recovery.deaths_in(run.passages())
    run.note(f"{len(deaths)} children killed")
    run.require(len(deaths) >= actions // 10, f"{len(deaths)} deaths of {actions} actions")
    _judge_recovery(run, deaths)


def _judge_recovery(run: Run, deaths: list[recovery.Death]) -> None:
    quiet = QUIET_SECONDS * run.options.scale
    run.result.recoveries = recovery.recoveries(run.passages(), deaths, quiet)
    worst = recovery.part(run.result.recoveries, 0.99)
    run.require(
        worst is None or worst <= RECOVERED_SECONDS,
        f"{len(run.result.recoveries)} jobs taken up again, p99 after {worst or 0:.1f} s",
    )


@fault("F2", "whole workers killed again and again", smoke=True)
def workers_killed(run: Run) -> None:
    """One of the two workers dies with all its children, and again as soon as both are up.

    At last both die at once. As F1, and nothing is stranded in a queue.
    """
    actions = chosen(120, 800, run.options)
    run.begin(users=actions)
    clients = run.act(actions, per_second=chosen(12, 20, run.options))
    serving = [child for child in run.workers if child.name != "background"]
    deaths = []
    while not clients.is_over:
        time.sleep(run.luck.uniform(0.1, 0.8))
        if all(child.is_ready() for child in serving):
            deaths.append(_kill(run, run.luck.choice(serving)))
    run.until(lambda: all(child.is_ready() for child in serving), 60, "both workers up")
    last = [_kill(run, child) for child in serving]
    run.until(lambda: any(child.is_ready() for child in serving), 60, "a worker up")
    back_at = run.tell("a worker is up")
    deaths += [recovery.Death(death.at, death.pids, back_at) for death in last]
    run.settle(120)
    run.note(f"{len(deaths)} workers killed")
    _judge_recovery(run, deaths)


def _kill(run: Run, victim: Child) -> recovery.Death:
    """Kill a worker with all its children, and start it again as a supervisor would."""
    pids = frozenset(member.pid for member in victim.family())
    at = run.tell("kill -9", json.dumps([victim.name, sorted(pids)]))
    victim.kill()
    victim.spawn()
    return recovery.Death(at, pids)
