"""Updates of statuses: with all indexes and triggers, and on tables that have fewer."""

from __future__ import annotations

import random
import statistics
import threading
import time
from typing import Any

import psycopg2

from benchmarks.screen_sides import Bench, Timed, ms
from benchmarks.versus import Versus

ROWS, WRITER_ROWS, HOLD = 1000, 100, 0.010
MOST, LEAST = 1.3, 0.95
UPDATES = 8  # of each side for each round
TABLE = "provisioning_subscriber"
#: What the table had before lists of a million: no generated columns, no triggers.
BEFORE = [
    "(template_id, last_change_at DESC, id DESC) WHERE deleted_at IS NULL",
    "(partner_id, last_change_at DESC, id DESC) WHERE deleted_at IS NULL",
    *("(connection_id, webex_id)", "(template_id)", "(partner_id)"),
    *("(broadworks_id)", "(broadworks_id varchar_pattern_ops)"),
    *("(status)", "(status varchar_pattern_ops)"),
]
#: What no list of users could do without.
BARE = ["(template_id, last_change_at DESC, id DESC) WHERE deleted_at IS NULL"]
UNIQUE = [
    *("(id)", "(uuid)"),
    "(connection_id, webex_id) WHERE deleted_at IS NULL",
]
_UPDATE = """
    UPDATE {table}
       SET status = CASE status WHEN 'provisioned' THEN 'updating' ELSE 'provisioned' END,
           last_change_at = now(), version = version + 1
     WHERE id = ANY(%s)
"""


def measure(bench: Bench) -> list[Versus]:
    """One statement of a thousand rows, and two writers at once."""
    _copy(bench, "bench_before", BEFORE)
    _copy(bench, "bench_bare", BARE)
    return [*_single(bench), _two_writers(bench)]


def _copy(bench: Bench, name: str, indexes: list[str]) -> None:
    cursor = bench.cursor
    cursor.execute("SET maintenance_work_mem = '512MB'")
    cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS)")
    cursor.execute(f"ALTER TABLE {name} DROP COLUMN error_key, DROP COLUMN name_key")
    cursor.execute(
        "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", [name],
    )  # fmt: skip
    (columns,) = cursor.fetchone()
    cursor.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {TABLE} ORDER BY id")
    for index in UNIQUE:
        cursor.execute(f"CREATE UNIQUE INDEX ON {name} {index}")
    for index in indexes:
        cursor.execute(f"CREATE INDEX ON {name} {index}")
    cursor.execute(f"VACUUM ANALYZE {name}")
    cursor.execute("CHECKPOINT")


def _single(bench: Bench) -> list[Versus]:
    luck = random.Random(11)
    bench.cursor.execute(f"SELECT id FROM {TABLE} WHERE deleted_at IS NULL")
    everybody = [key for (key,) in bench.cursor.fetchall()]
    chosen: list[int] = []

    def side(table: str) -> Timed:
        return Timed(lambda: bench.cursor.execute(_UPDATE.format(table=table), [chosen]))

    ours, before, bare = side(TABLE), side("bench_before"), side("bench_bare")
    for _ in range(bench.rounds * UPDATES):
        chosen = luck.sample(everybody, ROWS)
        for table in (TABLE, "bench_before", "bench_bare"):  # no side waits for the disk
            bench.cursor.execute(f"SELECT sum(version) FROM {table} WHERE id = ANY(%s)", [chosen])
        for one in luck.sample([ours, before, bare], 3):
            one.round()
    name, words = f"update of {ROWS:,} statuses", ms(ours.median)
    return [
        Versus(name, words, "before", ms(before.median), ours.times(before), most=MOST),
        Versus(name, words, "bare table", ms(bare.median), ours.times(bare)),
    ]


# ---- Two at once ----


def _two_writers(bench: Bench) -> Versus:
    with_all, without = list[float](), list[float]()
    for number in range(bench.rounds):
        sides = [("ENABLE", with_all), ("DISABLE", without)]
        for word, rates in sides if number % 2 else reversed(sides):
            bench.cursor.execute(f"ALTER TABLE {TABLE} {word} TRIGGER USER")
            rates.append(_rate(bench))
    bench.cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER USER")
    ratio = statistics.median(a / b for a, b in zip(with_all, without, strict=True))
    words = [f"{statistics.median(rates):,.1f}/s" for rates in (with_all, without)]
    return Versus(
        f"update by two writers, {WRITER_ROWS} rows",
        words[0],
        "no triggers",
        words[1],
        ratio,
        LEAST,
    )


def _rate(bench: Bench) -> float:
    """Transactions a second of both; each has users of its own."""
    done = [0, 0]
    began = time.monotonic()
    end = began + bench.seconds
    threads = [
        threading.Thread(target=_write, args=(bench, number, end, done)) for number in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


def _write(bench: Bench, number: int, end: float, done: list[int]) -> None:
    link: Any = psycopg2.connect(bench.cursor.connection.dsn, password=_password())
    luck = random.Random(number)
    keys = range(number + 1, bench.subscribers, 2)
    with link, link.cursor() as cursor:
        while not done[number] or time.monotonic() < end:  # a short run that meets a pause has one
            cursor.execute(_UPDATE.format(table=TABLE), [luck.sample(keys, WRITER_ROWS)])
            time.sleep(HOLD)  # what else a transaction does
            link.commit()
            done[number] += 1
    link.close()


def _password() -> str:
    from django.conf import settings

    return str(settings.DATABASES["default"]["PASSWORD"])
