"""Whether one partner's batch of 10,000 rows delays the single action of another partner."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

from benchmarks import engine_data, engine_sides, engine_stage
from benchmarks.client import MeasurementFailed
from benchmarks.engine_stage import Scene
from benchmarks.options import Options
from benchmarks.versus import Versus

BATCH, IN_FLIGHT, ACTIONS = 10_000, 4, 7
#: A batch that has run so long has its share of everything, of the sweep's hints too.
SETTLED_SECONDS = 5.0
LOOK_SECONDS, STALLED_SECONDS = 0.002, 60.0
_numbers = itertools.count(1)


def measure(scene: Scene, delay: float, options: Options, tell: Callable[[str], None]) -> Versus:
    """Time B's actions alone and beside A's batch, in turn; raises MeasurementFailed."""
    alone: list[float] = []
    beside: list[float] = []
    with engine_stage.backend(delay) as backend:
        engine_data.point(scene.cursor, backend.port, in_flight=IN_FLIGHT)
        _actions(scene)
        for number in range(options.rounds):
            tell(f"fairness: round {number + 1} of {options.rounds}")
            alone += _actions(scene)
            _start_batch(scene, number, min(SETTLED_SECONDS, options.seconds * 3))
            beside += _actions(scene)
            engine_data.end_batches(scene.cursor, scene.parties[0])
    name = f"fairness: one action, {delay * 1000:.0f} ms an answer"
    words = f"beside {BATCH:,} of another's"
    ratio = statistics.median(beside) / statistics.median(alone)
    return Versus(name, f"alone {_words(alone)}", words, _words(beside), ratio)


def _words(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:.0f} ms, slowest {max(times) * 1000:.0f}"


def _start_batch(scene: Scene, number: int, seconds: float) -> None:
    party = scene.parties[0]
    engine_data.jobs(scene.cursor, party, BATCH, name=f"fair{number}")
    scene.cursor.execute("ANALYZE provisioning_job, provisioning_subscriber")
    engine_sides.hint(scene.app, party)
    time.sleep(seconds)  # it has to be under way for a while; nothing is waited for
    if not engine_data.is_busy(scene.cursor, party):
        raise MeasurementFailed("the batch was over before it was measured against")


def _actions(scene: Scene) -> list[float]:
    return [_action(scene) for _ in range(ACTIONS)]


def _action(scene: Scene) -> float:
    """Accept one action of B; return the seconds until it is done."""
    party, cursor = scene.parties[1], scene.cursor
    name = f"single{next(_numbers)}"
    began = time.perf_counter()
    ids = engine_data.jobs(cursor, party, 1, name=name, is_batch=False)
    engine_sides.hint(scene.app, party)
    while not engine_data.are_all_done(cursor, ids):
        if time.perf_counter() > began + STALLED_SECONDS:
            raise MeasurementFailed(f"a single action: {engine_data.states(cursor, ids)}")
        time.sleep(LOOK_SECONDS)
    return time.perf_counter() - began
