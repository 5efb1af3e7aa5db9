"""The engine: how fast jobs are done, beside one Celery task per job and the bare calls alone.

Whether one partner's 10,000 rows delay another partner's single action is in fairness.py.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks import engine_data, engine_stage, fairness, stage
from benchmarks.engine_sides import Calls, Ours, Peer, Side
from benchmarks.engine_stage import Backend, Scene
from benchmarks.options import Options
from benchmarks.table import Report
from benchmarks.versus import HEADER, Versus

PROCESSES = 2
DELAY = 0.05
#: Jobs of the round that shows how many fill a round.
WARM_UP = 40
AT_LEAST, AT_MOST = 5.0, 1.3
MEANING = f"""\
ours: the product's worker ({PROCESSES} processes) and beat; users in error are retried: a batch,
one hint, one POST for each job.
one task per job: benchmarks/peers.py on tables without the engine's triggers, Celery's own
settings, messages published before the clock starts; it keeps none of the engine's promises.
the calls: the same POSTs from one lean thread.
ratio: round by round, our rate to its rate; for the limit, our time per job to delay / requests in
flight. CPU: of the workers and PostgreSQL for one job; of CPU: its to ours, which says more than
the ratio where other programs are at work.
Each round ends with a check: all jobs done, all users shown as provisioned, one request each."""


@dataclass
class Case:
    """Sides that do the same jobs; `limit` is the least time of a job, in seconds."""

    name: str
    backend: Backend
    in_flight: int
    ours: Side
    others: list[Side]
    limit: float | None = None

    def lines(self) -> Iterator[Versus]:
        """Compare ours with the limit, and with every other side round by round."""
        mine = self.ours
        if self.limit:
            ratio = 1 / mine.rate / self.limit
            words = "delay / in flight", f"{1 / self.limit:,.0f}/s"
            yield Versus(self.name, mine.words, *words, ratio, most=AT_MOST, cpu=mine.cpu)
        for other in self.others:
            pairs = zip(mine.samples, other.samples, strict=True)
            ratio = statistics.median(ours.rate / its.rate for ours, its in pairs)
            least = AT_LEAST if isinstance(other, Peer) and not self.limit else None
            words = other.name, other.words
            cpu = {"cpu": mine.cpu, "its_cpu": other.cpu}
            yield Versus(self.name, mine.words, *words, ratio, least, **cpu)


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """Measure; raises MeasurementFailed."""
    lines: list[Versus] = []
    with _all_cores(options), engine_stage.scene(PROCESSES) as scene:
        for many in (4, 16):
            name = f"answered at once ({many} in flight)"
            if options.wants(name):
                lines += _compare(name, scene, 0.0, many, options, tell)
        for many in (4, 16):
            name = f"after {DELAY * 1000:.0f} ms ({many} in flight)"
            if options.wants(name):
                lines += _compare(name, scene, DELAY, many, options, tell)
        if options.wants("fairness"):
            lines.append(fairness.measure(scene, DELAY, options, tell))
        return Report(lines, stage.version(scene.database), _notes(), HEADER, MEANING)


@contextmanager
def _all_cores(options: Options) -> Iterator[None]:
    """Take back the core that is kept free for a single measured process: here are many."""
    if options.cores.measured is None:
        yield
        return
    os.sched_setaffinity(0, options.cores.others | {options.cores.measured})
    try:
        yield
    finally:
        os.sched_setaffinity(0, options.cores.others)


def _notes() -> list[str]:
    names = ("Django", "celery", "kombu", "redis", "requests", "psycopg2-binary")
    return [
        "all processes share all cores",
        ", ".join(f"{name} {version(name)}" for name in names),
        f"requests a minute: {engine_data.A_MINUTE:,}, so that the rate does not bind",
    ]


def _compare(
    name: str, scene: Scene, delay: float, many: int, options: Options, tell: Callable[[str], None]
) -> list[Versus]:
    processes = many if delay else PROCESSES
    with ExitStack() as ends:
        backend = ends.enter_context(engine_stage.backend(delay))
        pid = ends.enter_context(engine_stage.peer_workers(scene, processes))
        ours = Ours("our engine", backend, scene.app, scene.cursor, *scene.measured())
        words = f"one task per job, {processes} processes"
        its = scene.measured(pid)
        others: list[Side] = [Peer(words, backend, scene.peer_app, scene.peer_cursor, *its)]
        others.append(Calls("the calls", backend, many, options.seconds))
        case = Case(name, backend, many, ours, others, delay / many or None)
        for cursor in (scene.cursor, scene.peer_cursor):
            engine_data.point(cursor, backend.port, in_flight=many)
        _rounds(case, options, tell)
        return list(case.lines())


def _rounds(case: Case, options: Options, tell: Callable[[str], None]) -> None:
    """All sides in turn, again and again, now the one first and now the other."""
    sides = [case.ours, *case.others]
    tell(f"{case.name}: warming up")
    for side in sides:
        side.go(WARM_UP)  # the first connections, imports and plans
    jobs = [side.enough(side.go(WARM_UP).rate * options.seconds) for side in sides]
    for number in range(options.rounds):
        tell(f"{case.name}: round {number + 1} of {options.rounds}")
        turns = list(zip(sides, jobs, strict=True))
        for side, count in turns if number % 2 else reversed(turns):
            side.samples.append(side.go(count))
