"""PostgreSQL's limits: no connection left, rows held by somebody else, statements broken off."""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg2
from django.db import connection

from chaos.faults.base import fault
from chaos.run import Run

RESUMED_SECONDS = 5.0
#: Longer than a worker waits for a lock.
LOCKED_SECONDS = 7.0
OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@fault("F27", "no connections left, gates locked, statements broken off")
def limits(run: Run) -> None:
    """Every connection of PostgreSQL is taken by others while ours are closed, then the gates'
    rows are locked for longer than a worker waits, then statements are broken off at random.

    (So are those that met a deadlock or took too long.) Work goes on within 5 s each time.
    """
    run.begin(users=300)
    clients = run.act(300, per_second=8, once=True)
    for trouble in (_no_connections, _locked_gates, _broken_statements):
        time.sleep(2)
        run.tell("begin", trouble.__name__)
        trouble(run)
        run.resumed(run.tell("end", trouble.__name__), 40)
        took = sum(run.result.recoveries[-1:])
        words = f"{trouble.__name__.strip('_')}: work went on after {took:.1f} s"
        run.require(took <= RESUMED_SECONDS, words)
    clients.wait()
    run.settle(120)


def _no_connections(run: Run) -> None:
    url = run.stage.database_url("postgres")
    taken = []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM ({OTHERS}) others")
    end = time.monotonic() + 6
    while time.monotonic() < end:
        with suppress(psycopg2.OperationalError):
            while True:
                taken.append(psycopg2.connect(url))
        time.sleep(0.05)
    for one in taken:
        one.close()
    run.note(f"{len(taken)} connections were taken")


def _locked_gates(run: Run) -> None:
    with psycopg2.connect(run.environment()["DATABASE_URL"]) as link, link.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts_backendconnection FOR UPDATE")
        time.sleep(LOCKED_SECONDS)


def _broken_statements(run: Run) -> None:
    end, broken = time.monotonic() + 6, 0
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            sql = f"SELECT pg_cancel_backend(pid) FROM ({OTHERS} AND state <> 'idle') others"
            cursor.execute(sql)
            broken += len(cursor.fetchall())
            time.sleep(run.luck.uniform(0.01, 0.1))
    run.note(f"{broken} statements were broken off")
