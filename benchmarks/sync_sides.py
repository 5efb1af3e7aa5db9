"""What is measured of the sync, on the core of its own: our way, the floor, and two usual ways.

Prints one JSON object: seconds of each side, and milliseconds of small groups.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.client import MeasurementFailed

GROUP = 1000  # what the sync brings in together
SAMPLE, SMALL_SAMPLE = 10_000, 1_000  # of the usual ways, which are slow
SMALL_ROUNDS = 100

_TAKEN = """
    template_id, person_id, broadworks_id, enterprise_id, first_name, last_name, email,
    primary_phone, mobile_phone, extension, package, self_activated, backend_status,
    backend_created_at, backend_changed_at, backend_error, status, error_code, error_text,
    error_at, seen_at, last_change_at
"""
# The floor's rows are ready before its clock starts: every column as it must become.
_READY = f"""
    CREATE UNLOGGED TABLE bench_ready AS
    SELECT gen_random_uuid() AS uuid, %(partner)s AS partner_id, %(connection)s AS connection_id,
           a.webex_id, {_TAKEN}, s.id IS NULL OR s.old_status <> a.status AS is_due,
           COALESCE(s.old_status, '') AS old_status
      FROM (SELECT *, backend_status AS status,
                   COALESCE(backend_error ->> 'code', '') AS error_code,
                   COALESCE(backend_error ->> 'text', '') AS error_text,
                   (backend_error ->> 'at')::timestamptz AS error_at,
                   asked_at AS seen_at, backend_changed_at AS last_change_at
              FROM answer_staged) a
      LEFT JOIN (SELECT id, webex_id AS key, status AS old_status FROM provisioning_subscriber
                  WHERE connection_id = %(connection)s) s ON s.key = a.webex_id
"""
_UPSERT = f"""
    INSERT INTO provisioning_subscriber AS s
        (uuid, partner_id, connection_id, webex_id, {_TAKEN}, job_error, activation_error,
         error_tracking_id, version, is_customer_administrator, deleted_by, deleted_here)
    SELECT uuid, partner_id, connection_id, webex_id, {_TAKEN}, '{{}}', '{{}}', '', 1, false, '',
           false
      FROM bench_ready
    ON CONFLICT (connection_id, webex_id) WHERE deleted_at IS NULL DO UPDATE
       SET ({_TAKEN}) = ROW ({", ".join(f"EXCLUDED.{name.strip()}" for name in _TAKEN.split(","))}),
           job_error = '{{}}', activation_error = '{{}}', version = s.version + 1
"""
_EVENTS = """
    INSERT INTO provisioning_statusevent
        (subscriber_id, at, cause, actor_label, what, before, after, error_code, text, tracking_id)
    SELECT s.id, now(), 'sync', '', CASE WHEN r.old_status = '' THEN 'arrived' ELSE 'status' END,
           r.old_status, r.status, r.error_code, r.error_text, ''
      FROM bench_ready r JOIN provisioning_subscriber s USING (connection_id, webex_id)
     WHERE r.is_due
"""


@dataclass
class Result:
    """Seconds of each round by case and side; milliseconds of groups by size."""

    answers: int
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    small: dict[int, list[float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


class Bench:
    """Subscribers of one partner in a crowd, and how to bring them on."""

    def __init__(self, subscribers: int, answers: int) -> None:
        from benchmarks import sync_data

        self._data = sync_data
        self.ours = sync_data.make_party("Bench")
        self.answers = answers
        self.known = answers * 9 // 10
        self._generation = 0
        crowd = sync_data.make_party("Crowd")
        values = self._values(crowd) | {"count": max(subscribers - self.known, 0)}
        self._execute(sync_data.CROWD, values)
        self._was = [0] * self.known
        self.bring_in([sync_data.answer(n, 0, "") for n in range(self.known)])
        self._last = self._one("SELECT max(id) FROM provisioning_subscriber")
        self._execute("VACUUM ANALYZE")
        self.tidy()

    def _values(self, party: Any) -> dict[str, Any]:
        connection = party.connection
        return {
            "partner": connection.partner_id,
            "connection": connection.pk,
            "template": party.template.pk,
        }

    def next(self, every: int) -> list[Any]:
        """Answers about all whom we know, each so-many-th changed, and about a tenth new ones."""
        self._generation += 1
        for number in range(0, self.known, every):
            self._was[number] += 1
        old = [self._data.answer(n, self._was[n], "") for n in range(self.known)]
        name = f"new{self._generation}-"
        new = [self._data.answer(n, 0, name) for n in range(self.answers - self.known)]
        return old + new

    def few(self, size: int) -> list[Any]:
        """Answers about some whom we know, all changed."""
        numbers = range(0, self.known, self.known // size)[:size]
        for number in numbers:
            self._was[number] += 1
        return [self._data.answer(n, self._was[n], "") for n in numbers]

    def bring_in(self, answers: list[Any]) -> None:
        """Our way, all at once."""
        from django.utils import timezone

        from provisioning.projection import merge

        merge.apply_answers(self.ours.connection, answers, now=timezone.now())

    def bring_in_groups(self, answers: list[Any]) -> None:
        """Our way, in such groups as the sync brings in."""
        for start in range(0, len(answers), GROUP):
            self.bring_in(answers[start : start + GROUP])

    def ready(self, answers: list[Any]) -> None:
        """Lay the floor's rows out; not measured."""
        from django.db import transaction
        from django.utils import timezone

        from provisioning.projection import staging
        from provisioning.projection.staging import StagedAnswer

        key = self.ours.template.pk
        placed = [StagedAnswer(place, key, one) for place, one in enumerate(answers)]
        with transaction.atomic():
            staging.stage(placed, now=timezone.now())
            self._execute("DROP TABLE IF EXISTS bench_ready")
            self._execute(_READY, self._values(self.ours))
        self._execute("VACUUM ANALYZE bench_ready")

    def floor(self, answers: list[Any]) -> None:
        """The server alone: all rows written, whether they change or not, and what is to tell."""
        from django.db import transaction

        with transaction.atomic():
            self._execute(_UPSERT)
            self._execute(_EVENTS)

    def many(self, answers: list[Any]) -> None:
        """Django's bulk_create(update_conflicts=True), a thousand at a time; no rules at all."""
        from benchmarks import sync_peers

        for start in range(0, len(answers), GROUP):
            sync_peers.many(self.ours, answers[start : start + GROUP])

    def one_by_one(self, answers: list[Any]) -> None:
        """Django's update_or_create, each in its own transaction; no rules at all."""
        from benchmarks import sync_peers

        for one in answers:
            sync_peers.one(self.ours, one)

    def check(self, answers: list[Any]) -> None:
        """Raise MeasurementFailed unless every answer is in a row."""
        told = [(one.remote.id, one.remote.status) for one in answers]
        right = self._one(
            "SELECT count(*) FROM unnest(%(ids)s, %(statuses)s) AS told (webex_id, backend_status)"
            " JOIN provisioning_subscriber s USING (webex_id, backend_status)"
            " WHERE s.connection_id = %(connection)s",
            {
                "connection": self.ours.connection.pk,
                "ids": [webex_id for webex_id, _ in told],
                "statuses": [status for _, status in told],
            },
        )
        if right != len(answers):
            raise MeasurementFailed(f"{len(answers)} answers, {right} rows")

    def tidy(self) -> int:
        """Forget the new ones, and leave no work for later; returns how many events there were."""
        events = int(self._one("SELECT count(*) FROM provisioning_statusevent"))
        self._execute("TRUNCATE provisioning_statusevent")
        self._execute("DELETE FROM provisioning_subscriber WHERE id > %s", [self._last])
        for table in ("provisioning_subscriber", "provisioning_statusevent"):
            self._execute(f"VACUUM {table}")
        self._execute("CHECKPOINT")
        return events

    def _execute(self, statement: str, values: Any = None) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    def _one(self, statement: str, values: Any = None) -> Any:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]


def measure(bench: Bench, rounds: int) -> Result:
    """All sides in turn, again and again, now the one first and now the other."""
    result = Result(bench.answers)
    sides: dict[str, tuple[Callable[[list[Any]], None], int]] = {
        "floor": (bench.floor, bench.answers),
        "ours": (bench.bring_in, bench.answers),
        "ours in groups": (bench.bring_in_groups, bench.answers),
        "bulk_create": (bench.many, SAMPLE),
        "update_or_create": (bench.one_by_one, SMALL_SAMPLE),
    }
    result.sizes = {name: min(size, bench.answers) for name, (_, size) in sides.items()}
    for number in range(rounds):
        for case, every in (("all changed", 1), ("a tenth changed", 10)):
            order = list(sides) if number % 2 else list(reversed(sides))
            for name in order:
                sys.stderr.write(f"\rround {number + 1} of {rounds}: {case}, {name}        ")
                act, size = sides[name]
                seconds = _time(bench, act, every, size, is_floor=name == "floor")
                result.seconds.setdefault(case, {}).setdefault(name, []).append(seconds)
    for size in (1, 4, 100):
        result.small[size] = [_small(bench, size) for _ in range(SMALL_ROUNDS)]
    return result


def _time(
    bench: Bench, act: Callable[[list[Any]], None], every: int, size: int, *, is_floor: bool
) -> float:
    answers = bench.next(every)
    sample = answers if size >= len(answers) else answers[:: len(answers) // size][:size]
    if is_floor:
        bench.ready(sample)
    started = time.perf_counter()
    act(sample)
    seconds = time.perf_counter() - started
    bench.check(sample)
    if sample is not answers:  # the others must be where the next round thinks that they are
        bench.bring_in(answers)
    bench.tidy()
    return seconds


def _small(bench: Bench, size: int) -> float:
    """A group of jobs' answers: all change something."""
    few = bench.few(size)
    started = time.perf_counter()
    bench.bring_in(few)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure; the database is migrated and empty."""
    import django

    django.setup()
    parser = argparse.ArgumentParser(prog="benchmarks.sync_sides")
    for name in ("subscribers", "answers", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    bench = Bench(given.subscribers, given.answers)
    print(json.dumps(asdict(measure(bench, given.rounds))))


if __name__ == "__main__":
    main()
