"""Beat ticks on when the wall clock is set: Celery's own service, on clocks of the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import beat

from partnerhub import ticking
from partnerhub.celery import app

HOUR = 3600.0
START = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)


@dataclass
class Clocks:
    """A monotonic clock that moves when beat sleeps, and a wall clock that can be set."""

    passed: float = 0.0
    wrong_by: float = 0.0
    ticks: list[tuple[float, str]] = field(default_factory=list)
    sets: dict[float, float] = field(default_factory=dict)
    end: float = 0.0
    stop: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        # Beat wakes 10 ms early and asks again until it is time: that passes time, too.
        self.passed += 0.0005
        return self.passed

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.passed + self.wrong_by)

    def sleep(self, seconds: float) -> None:
        self.passed += max(seconds, 0.001)
        for at in [at for at in self.sets if at <= self.passed]:
            self.wrong_by = self.sets.pop(at)
        if self.passed >= self.end:
            self.stop()

    def of(self, name: str, since: float = 0.0) -> list[float]:
        return [at for at, tick in self.ticks if tick == name and at >= since]


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(app, "now", made.wall)
    monkeypatch.setattr(beat, "time", SimpleNamespace(sleep=made.sleep, monotonic=made.monotonic))
    monkeypatch.setattr(ticking, "time", SimpleNamespace(monotonic=made.monotonic))
    monkeypatch.setattr(ticking, "_BEGAN", START)
    monkeypatch.setattr(ticking, "_SINCE", 0.0)
    return made


def run(clocks: Clocks, folder: Path, seconds: float, **sets: float) -> None:
    """Let beat run so long; `after_60=-3600` sets the wall clock back after 60 seconds."""

    class Noting(beat.PersistentScheduler):
        producer = None

        def apply_async(self, entry, producer=None, advance=True, **options):
            clocks.ticks.append((clocks.passed, entry.name))
            if len(clocks.ticks) > 10 * (clocks.end + 1):  # a storm would never sleep
                clocks.stop()

    clocks.end = clocks.passed + seconds
    clocks.sets = {float(name.removeprefix("after_")): by for name, by in sets.items()}
    service = beat.Service(app, scheduler_cls=Noting, schedule_filename=str(folder / "beat"))
    clocks.stop = service.stop
    service.start()


@pytest.mark.parametrize(
    "sets",
    [
        {},
        {"after_60": -HOUR},
        {"after_60": HOUR},
        {"after_60": -HOUR, "after_120": 0.0},
        {"after_60": HOUR, "after_120": 0.0},
        {"after_60": 24 * HOUR, "after_120": -24 * HOUR},
    ],
    ids=str,
)
def test_beat_ticks_as_if_the_wall_clock_had_not_been_set(
    clocks: Clocks, tmp_path: Path, sets: dict[str, float]
):
    run(clocks, tmp_path, 2000.0, **sets)

    sweeps = clocks.of("sweep")
    gaps = [after - before for before, after in pairwise(sweeps)]
    assert 1.9 < min(gaps) <= max(gaps) < 2.1
    assert sweeps[0] < 2.1
    assert sweeps[-1] > 1997
    for name, entry in app.conf.beat_schedule.items():
        every = entry["schedule"].seconds
        assert len(clocks.of(name)) == pytest.approx(2000 / every, abs=1 + 20 / every), name


def test_no_entry_of_beat_goes_by_another_clock(clocks: Clocks, tmp_path: Path):
    """One that stands first in line and waits for the wall clock would hold up all the others."""
    made = beat.PersistentScheduler(app, schedule_filename=str(tmp_path / "beat"))

    assert made.schedule.keys() == app.conf.beat_schedule.keys()
    assert {type(entry.schedule) for entry in made.schedule.values()} == {ticking.Every}
    made.close()


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_a_restarted_beat_does_not_wait_for_the_clock_that_it_had(
    clocks: Clocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: float
):
    run(clocks, tmp_path, 10.0)
    monkeypatch.setattr(ticking, "_BEGAN", START + timedelta(seconds=by))
    before = len(clocks.of("sweep"))

    run(clocks, tmp_path, 10.0)

    assert clocks.of("sweep")[before] < 10.0 + 2.1
    assert 5 <= len(clocks.of("sweep")) - before <= 6
