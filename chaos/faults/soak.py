"""`make soak`: one trouble after another for as long as one likes, while memory is watched."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from django.db import connections

from chaos.faults.answers import RUBBISH
from chaos.faults.base import SOAK, fault
from chaos.faults.outages import CHANGES
from chaos.run import Run
from chaos.watching import Readings

PER_SECOND = 5.5  # 20,000 actions in an hour
ACTIONS_OF_A_USER = 1.6
CALM_SECONDS = (5.0, 15.0)
READ_EVERY = 10.0


@fault(SOAK, "mixed faults for long")
def soak(run: Run) -> None:
    """Every few seconds another trouble, drawn by the seed, while clients act all the time.

    Nothing is lost or doubled; memory, Redis' keys and dead rows stay level.
    """
    seconds = run.options.soak_minutes * 60
    actions = int(seconds * PER_SECOND)
    run.begin(users=max(60, int(actions / ACTIONS_OF_A_USER)))
    clients = run.act(actions, per_second=PER_SECOND, seconds=seconds + 300)
    readings, end = Readings(), time.monotonic() + seconds
    while time.monotonic() < end and not clients.is_over:
        _calm(run, readings, run.luck.uniform(*CALM_SECONDS))
        trouble = run.luck.choice(TROUBLES)
        run.tell("begin", trouble.__name__)
        trouble(run)
        run.tell("end", trouble.__name__)
        run.revive()
    run.backend.heal()
    run.settle(300)
    readings.take(run.supervised, run.broker())
    run.result.notes += readings.notes()
    run.result.problems += readings.problems()


def _calm(run: Run, readings: Readings, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        readings.take(run.supervised, run.broker())
        time.sleep(min(READ_EVERY, seconds))


def _child_killed(run: Run) -> None:
    children = [one for worker in run.workers for one in worker.descendants()]
    if children:
        run.luck.choice(children).kill()


def _worker_killed(run: Run) -> None:
    run.luck.choice(run.workers).kill()


def _beat_killed(run: Run) -> None:
    if run.beat:
        run.beat.kill()


def _host_paused(run: Run) -> None:
    for child in run.workers:
        child.signal_group(signal.SIGSTOP)
    time.sleep(6)
    for child in run.workers:
        child.signal_group(signal.SIGCONT)


def _redis_killed(run: Run) -> None:
    server = run.stage.redis
    if server.process:
        server.process.kill()
        server.process.wait()
    time.sleep(run.luck.uniform(0, 5))
    server.start(run.stage.logs / "redis.log")


def _redis_emptied(run: Run) -> None:
    run.broker().flushall()


def _postgres_crashed(run: Run) -> None:
    server = run.stage.postgres
    if server.process:
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait()
    time.sleep(run.luck.uniform(0, 3))
    server.start(run.stage.logs / "postgres.log")
    connections.close_all()


def _refusals(run: Run) -> None:
    run.backend.fault("too_many_requests", form="seconds", seconds=3, hold=True, probability=0.05)
    form = run.luck.choice(RUBBISH)
    run.backend.fault("too_many_requests", form=form, probability=0.05)
    _for_a_while(run)


def _errors(run: Run) -> None:
    status, effect = run.luck.choice([500, 502, 503, 504]), run.luck.choice([True, False])
    run.backend.fault(
        "server_error", status=status, effect=effect, probability=0.3, operation=CHANGES
    )
    _for_a_while(run)


def _answers_lost(run: Run) -> None:
    run.backend.fault("drop", effect=True, probability=0.2, operation=CHANGES)
    run.backend.fault("late_effect", form="any", effect_after_seconds=3, probability=0.1,
                      operation=CHANGES)  # fmt: skip
    _for_a_while(run)


def _backend_away(run: Run) -> None:
    run.backend.fault("down", form=run.luck.choice(["503", "html", "drop"]))
    _for_a_while(run)


def _for_a_while(run: Run) -> None:
    time.sleep(run.luck.uniform(4, 10))
    run.backend.heal()


TROUBLES: list[Callable[[Run], None]] = [
    _child_killed,
    _worker_killed,
    _beat_killed,
    _host_paused,
    _redis_killed,
    _redis_emptied,
    _postgres_crashed,
    _refusals,
    _errors,
    _answers_lost,
    _backend_away,
]
