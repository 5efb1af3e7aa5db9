"""PostgreSQL: crashes, restarts, and connections cut at the worst moment."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter

from django.db import connections

from chaos.faults.base import fault
from chaos.processes import Child
from chaos.run import Run, chosen
from chaos.world import TENANTS
from partnerhub.local.servers import free_port

RESUMED_SECONDS = 5.0


@fault("F6", "PostgreSQL crashes and restarts")
def postgres_restarts(run: Run) -> None:
    """Three immediate restarts, a fast one and one with 10 s down, while users act.

    What was acknowledged stays; work goes on within 5 s after it is back. Pages say 503 meanwhile,
    and nothing worse.
    """
    run.begin(users=500)
    watcher = run.watch(TENANTS[0])
    clients = run.act(500, per_second=12)
    immediate, fast = signal.SIGQUIT, signal.SIGINT
    for number, down in ((immediate, 0), (immediate, 0), (immediate, 0), (fast, 0), (fast, 10)):
        time.sleep(run.luck.uniform(2, 5))
        _restart(run, number, down)
    clients.wait()
    watcher.stop()
    for took in run.result.recoveries:
        run.require(took <= RESUMED_SECONDS, f"work went on after {took:.1f} s")
    unclear = sum(entry.outcome == "unclear" for entry in run.history.entries)
    run.note(f"{unclear} tries of clients met a database that was away, and were made again")
    run.require(watcher.seen.keys() <= {"200", "503"}, f"the list's pages: {dict(watcher.seen)}")
    run.settle(120)


def _restart(run: Run, number: int, down: float) -> None:
    server = run.stage.postgres
    run.tell(signal.Signals(number).name, "postgres")
    if server.process:
        server.process.send_signal(number)
        server.process.wait()
    time.sleep(down)
    server.start(run.stage.logs / "postgres.log")
    connections.close_all()
    run.resumed(run.tell("back", "postgres"), 40)


@fault("F7", "connections cut at COMMIT", smoke=True)
def commits_cut(run: Run) -> None:
    """One in twelve commits of workers that changed a job is cut, before it or after it was done.

    The outcome is read again, never guessed: nothing lost, nothing doubled.
    """
    actions = chosen(120, 600, run.options)
    proxy, port = _proxy(run)
    run.begin(users=actions, database_port=port)
    proxy.signal(signal.SIGUSR1)
    run.act(actions, per_second=15).wait()
    proxy.signal(signal.SIGUSR2)
    run.settle(120)
    log = run.folder / "cuts.jsonl"
    cuts = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    counts = Counter(cut["cut"] for cut in cuts)
    run.require(
        min(counts["before"], counts["after"]) >= 5,
        f"cut before the commit {counts['before']} times, after it {counts['after']} times",
    )


def _proxy(run: Run) -> tuple[Child, int]:
    port = free_port()
    command = [sys.executable, "-m", "chaos.proxy", "--listen", str(port)]
    command += ["--to", str(run.stage.postgres.port), "--seed", str(run.options.seed)]
    command += ["--chance", "0.08", "--log", str(run.folder / "cuts.jsonl")]
    log = run.folder / "proxy.log"
    child = Child(
        "proxy", command, run.stage.environment, log, lambda one: "listening" in one.said()
    )
    run.others.append(child)
    child.start()
    return child, port
