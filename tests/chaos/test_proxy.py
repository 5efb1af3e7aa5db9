"""The proxy that cuts connections at COMMIT, before a real PostgreSQL."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from chaos.proxy import Transaction
from partnerhub.local import databases
from partnerhub.local.bootstrap import ROOT
from partnerhub.local.servers import free_port

TABLE = "CREATE TABLE provisioning_job (number int)"


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[str, str, subprocess.Popen[str], Path]]:
    """The database straight, the same through a proxy that cuts every commit, its process."""
    # One of its own: the run's is the template of all others, and has a table of that name.
    server = databases.named(os.environ["DATABASE_URL"], "postgres")
    url = databases.ensure(server, f"proxied_{secrets.token_hex(4)}")
    straight, port = urlsplit(url), free_port()
    through = straight._replace(
        netloc=straight.netloc.replace(f":{straight.port}", f":{port}"),
        query="sslmode=disable&gssencmode=disable",
    ).geturl()
    log = tmp_path / "cuts"
    command = [sys.executable, "-m", "chaos.proxy", "--listen", str(port), "--chance", "1"]
    command += ["--to", str(straight.port), "--seed", "3", "--log", str(log)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "listening\n"
    with psycopg2.connect(url) as link, link.cursor() as cursor:
        cursor.execute(TABLE)
    yield url, through, process, log
    process.stdout.close()
    process.kill()
    process.wait()


def insert(url: str, number: int) -> bool:
    """True when the client was told that it is committed."""
    link = psycopg2.connect(url)
    try:
        with link.cursor() as cursor:
            cursor.execute("INSERT INTO provisioning_job VALUES (%s)", [number])
        link.commit()
    except psycopg2.Error:
        return False
    finally:
        link.close()
    return True


def test_every_commit_is_cut_and_half_of_them_were_done(proxied):
    url, through, process, log = proxied
    assert insert(through, 0)  # not yet: it is off
    process.send_signal(signal.SIGUSR1)

    told = [insert(through, number) for number in range(1, 31)]

    cuts = [json.loads(line)["cut"] for line in log.read_text().splitlines()]
    with psycopg2.connect(url) as link, link.cursor() as cursor:
        cursor.execute("SELECT number FROM provisioning_job WHERE number > 0 ORDER BY number")
        done = [row[0] for row in cursor.fetchall()]
    assert told == [False] * 30
    assert done == [number + 1 for number, cut in enumerate(cuts) if cut == "after"]
    assert 5 < len(done) < 25


@pytest.mark.parametrize(
    ("statements", "committed"),
    [
        (["BEGIN", 'UPDATE "provisioning_job" SET x = 1', "COMMIT"], [False, False, True]),
        (["UPDATE provisioning_job j SET x = 1"], [True]),
        (["BEGIN", "SELECT 1", "COMMIT"], [False, False, False]),
        (["BEGIN", 'INSERT INTO "provisioning_job" (x)', "ROLLBACK"], [False, False, False]),
        (
            [
                "PREPARE a(int) AS UPDATE provisioning_job j SET x = $1",
                "BEGIN",
                "EXECUTE a(1)",
                "COMMIT",
            ],
            [False, False, False, True],
        ),
        (["BEGIN", 'UPDATE "provisioning_jobbatch" SET x = 1', "COMMIT"], [False, False, False]),
    ],
)
def test_only_commits_that_changed_a_job_are_cut(statements, committed):
    transaction = Transaction()

    assert [bool(transaction.commits(one.encode())) for one in statements] == committed
