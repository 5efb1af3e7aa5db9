"""What is measured of the screen, on the core of its own: pages, searches, polls and writes.

Prints the lines of the table as JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.client import MeasurementFailed
from benchmarks.versus import Versus


@dataclass(frozen=True)
class Bench:
    """What all parts share: who is signed in, the raw way into the database, how much to do."""

    party: dict[str, Any]
    client: Any
    cursor: Any
    subscribers: int
    rounds: int
    seconds: float

    @property
    def users_of_first(self) -> int:
        """How many users the large template has."""
        return self.subscribers * 4 // 10

    def get(self, address: str) -> bytes:
        """Return the page at an address of ours or a peer's; anything but a page fails."""
        answer = self.client.get(address)
        if answer.status_code != 200:
            raise MeasurementFailed(f"{address[:200]}: {answer.status_code}")
        content: bytes = answer.content
        return content


@dataclass
class Timed:
    """Something done again and again: seconds of each round, the median of its tries, and this
    process's own processor seconds of one.
    """

    act: Callable[[], Any]
    tries: int = 1
    seconds: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    def round(self) -> None:
        """Measure one round."""
        before = time.process_time()
        self.seconds.append(statistics.median([seconds_of(self.act) for _ in range(self.tries)]))
        self.cpus.append((time.process_time() - before) / self.tries)

    @property
    def cpu(self) -> float:
        """Processor seconds of one, the median of the rounds."""
        return statistics.median(self.cpus)

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds)

    def times(self, other: Timed) -> float:
        """How many times as long as the other, round by round."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(mine / its for mine, its in pairs)


def seconds_of(act: Callable[[], Any]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def rounds(sides: list[Timed], number: int) -> None:
    """Measure all sides in turn, now the one first and now the other, after one go uncounted."""
    for side in sides:
        side.act()
    for n in range(number):
        for side in sides if n % 2 else reversed(sides):
            side.round()


def ms(seconds: float) -> str:
    """Seconds as milliseconds in words."""
    value = seconds * 1000
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.2f} ms"


def part_of(seconds: list[float], part: float) -> float:
    """The time within which this part of all were done."""
    ordered = sorted(seconds)
    return ordered[max(math.ceil(len(ordered) * part) - 1, 0)]


def spread(name: str, seconds: list[float], most: float) -> Versus:
    """A line of many single times: p95 beside the limit in seconds, with p50 and the largest."""
    p50, p95 = part_of(seconds, 0.5), part_of(seconds, 0.95)
    words = f"{ms(p50)}; {ms(max(seconds))}"
    return Versus(f"{name}, p95", ms(p95), f"p50; max of {len(seconds)}", words, p95 / most, most=1)


def bench_of(given: Any) -> Bench:
    """Sign in, and open a connection that is nobody else's."""
    import psycopg2
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    party = json.loads(given.party)
    client = Client()
    client.force_login(User.objects.get(pk=party["user"]))
    found = settings.DATABASES["default"]
    link = psycopg2.connect(
        host=found["HOST"], port=found["PORT"], user=found["USER"], dbname=found["NAME"],
        password=found["PASSWORD"],
    )  # fmt: skip
    link.autocommit = True
    return Bench(party, client, link.cursor(), given.subscribers, given.rounds, given.seconds)


def parse() -> Any:
    """Read the command line that screen_stage.Scene.lines writes."""
    parser = argparse.ArgumentParser()
    for name, kind in (("subscribers", int), ("rounds", int), ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--cases", default="")
    parser.add_argument("--party", required=True)
    return parser.parse_args()


def wants(cases: str, part: str) -> bool:
    """Tell whether a part has cases that were asked for: names begin with the part's word."""
    chosen = [case for case in cases.split(",") if case]
    return not chosen or any(c.startswith(part) or part.startswith(c) for c in chosen)


def main() -> None:
    """Measure every part that is asked for."""
    import django

    django.setup()
    from benchmarks import screen_combinations, screen_pages, screen_search, screen_writes
    from partnerhub.warm import warm

    warm()
    parts = {
        "page": screen_pages.measure,
        "any": screen_combinations.measure,
        "poll": screen_pages.measure_polls,
        "search": screen_search.measure,
        "update": screen_writes.measure,
    }
    given = parse()
    bench, lines = bench_of(given), []
    for name, measure in parts.items():
        if wants(given.cases, name):
            sys.stderr.write(f"\r{name}                        ")
            lines += measure(bench)
    print(json.dumps([asdict(line) for line in lines]))


if __name__ == "__main__":
    main()
