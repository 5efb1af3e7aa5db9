"""Runs the measurements of the screen that were asked for."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from benchmarks.screen_sides import Bench


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
    from partnerhub.preload import warm

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
