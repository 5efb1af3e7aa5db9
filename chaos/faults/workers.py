"""Workers that die or stand still."""

from __future__ import annotations

import json
import time

from chaos import recovery, steps
from chaos.faults.base import fault
from chaos.processes import Child
from chaos.run import Run, chosen
from provisioning.timing import QUIET_SECONDS

#: Of a job that was certainly not sent, and of one that was perhaps, beyond its quiet time.
RECOVERED_SECONDS, SENT_SECONDS = 5.0, 10.0


@fault("F1", "pool children killed at each step", smoke=True)
def children_killed(run: Run) -> None:
    """Each job kills the process that holds it, by a chance of 8 % at each step.

    Nothing is lost or doubled. A job that was not sent is taken up within 5 s; one that was
    perhaps sent is asked for within 10 s of its quiet time.
    """
    actions = chosen(80, 400, run.options)
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
    passages = run.passages()
    found = recovery.recoveries(passages, deaths, quiet)
    run.result.recoveries = [one.seconds for one in found]
    sent = [one.seconds for one in found if one.was_sent]
    _require(run, sent, SENT_SECONDS, "perhaps sent: asked for, after the quiet time")
    asked = [one.seconds for one in found if not one.was_sent]
    _require(run, asked, RECOVERED_SECONDS, "held for a question: taken up again")
    if not any(death.back_at for death in deaths):  # else nobody was there to take them up
        waited = recovery.taken_up(passages, _firsts(run))
        _require(run, waited, RECOVERED_SECONDS, "not sent yet: taken up, deaths or not")


def _firsts(run: Run) -> dict[str, float]:
    """When each user's first action was accepted; deletes have a time of grace before them."""
    found: dict[str, float] = {}
    for entry in run.history.accepted():
        found.setdefault(entry.user, entry.at + entry.took if entry.kind != "delete" else 0.0)
    return {user: at for user, at in found.items() if at}


def _require(run: Run, seconds: list[float], most: float, words: str) -> None:
    worst = recovery.part(seconds, 0.99) or 0.0
    run.require_within(most, worst, f"{len(seconds)} jobs {words}, p99 {worst:.1f} s")


@fault("F2", "whole workers killed again and again")
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
