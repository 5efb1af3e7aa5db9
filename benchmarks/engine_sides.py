"""Who does the jobs that are measured: our engine, its peer, and the bare calls alone."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from celery import Celery

from benchmarks import client, engine_data, machine, peers
from benchmarks.client import Answer, Connection, MeasurementFailed, Work, expect
from benchmarks.engine_data import Party
from benchmarks.engine_stage import Backend
from benchmarks.fast_backend import PATH

STALLED_SECONDS = 60.0
#: Often enough for rounds of seconds; each look costs PostgreSQL something.
LOOK_SECONDS = 0.02
PARKED = "parked"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sample:
    """What a round came to: jobs, wall seconds, processor seconds (0: not measured)."""

    jobs: int
    seconds: float
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds


@dataclass
class Side:
    """Somebody who does jobs: `name` as the table says it, `samples` of the rounds so far."""

    name: str
    backend: Backend
    samples: list[Sample] = field(default_factory=list, init=False)
    #: A round of fewer tells nothing, one of more only takes time.
    fewest: ClassVar[int] = 40
    most: ClassVar[int] = 20_000

    def enough(self, jobs: float) -> int:
        """Return how many make a round, where so many would fill its time."""
        return min(max(int(jobs), self.fewest), self.most)

    def go(self, jobs: int) -> Sample:
        """Do so many; raises MeasurementFailed unless each was done, and asked for once."""
        raise NotImplementedError

    @property
    def rate(self) -> float:
        """Jobs a second, the median of the rounds."""
        return statistics.median(one.rate for one in self.samples)

    @property
    def words(self) -> str:
        """The rate, for the table."""
        return f"{self.rate:,.0f}/s"

    @property
    def cpu(self) -> float | None:
        """Processor seconds for one job, the median of the rounds; None where not measured."""
        each = [one.cpu / one.jobs for one in self.samples if one.cpu]
        return statistics.median(each) if each else None


@dataclass
class Workers(Side):
    """Worker processes with a database, whose `cursor` commits by itself.

    `pids` are their parent and PostgreSQL's: whose processor time is counted.
    """

    app: Celery
    cursor: Any
    pids: tuple[int, int]
    party: Party

    def go(self, jobs: int) -> Sample:
        """Make the jobs, which does not count; let go, and wait for the last."""
        name = f"r{next(_numbers)}"
        ids = engine_data.jobs(self.cursor, self.party, jobs, name=name)
        self.cursor.execute("ANALYZE provisioning_job, provisioning_subscriber")
        self.prepare(ids)
        self.backend.counts()
        cpu, began = self._cpu(), time.perf_counter()
        self.let_go()
        self._wait(began + STALLED_SECONDS + jobs / 10)
        seconds = time.perf_counter() - began
        cpu = self._cpu() - cpu
        self._check(ids)
        return Sample(jobs, seconds, cpu)

    def _cpu(self) -> float:
        return sum(machine.cpu_seconds(pid) for pid in self.pids)

    def prepare(self, ids: list[int]) -> None:
        """Do what does not count."""

    def let_go(self) -> None:
        """Tell the workers that there is something to do."""
        raise NotImplementedError

    def _wait(self, end: float) -> None:
        while engine_data.is_busy(self.cursor, self.party):
            if time.perf_counter() > end:
                raise MeasurementFailed(f"{self.name}: the jobs do not end")
            time.sleep(LOOK_SECONDS)

    def _check(self, ids: list[int]) -> None:
        changes = self.backend.counts()["changes"]
        if changes != len(ids) or not engine_data.are_all_done(self.cursor, ids):
            words = engine_data.states(self.cursor, ids)
            raise MeasurementFailed(f"{self.name}: {len(ids)} jobs, {changes} requests; {words}")


class Ours(Workers):
    """Our engine: one hint for all jobs, as a batch gives; it must come into its stride."""

    fewest = 200

    def go(self, jobs: int) -> Sample:
        """Do so many; a sweep that comes meanwhile finds the gate closed until the clock runs."""
        engine_data.shut(self.cursor, self.party)
        return super().go(jobs)

    def let_go(self) -> None:
        """Open the gate and hint at the connection, as the product does."""
        engine_data.let_out(self.cursor, self.party)
        hint(self.app, self.party)


def hint(app: Celery, party: Party) -> None:
    """Tell our workers that a connection has something to do."""
    kwargs = {"connection_id": party.connection}
    app.send_task("provisioning.serve", kwargs=kwargs, queue="provision")


class Peer(Workers):
    """One task per job. All messages are published before the clock starts: a present to it."""

    def prepare(self, ids: list[int]) -> None:
        """Publish to a queue that nobody reads."""
        with self.app.producer_pool.acquire(block=True) as producer:
            for job_id in ids:
                self.app.send_task(
                    peers.NAME, kwargs={"job_id": job_id}, queue=PARKED, producer=producer
                )

    def let_go(self) -> None:
        """Give that queue the name of the one that is read."""
        with self.app.connection_for_write() as broker:
            broker.default_channel.client.rename(PARKED, peers.QUEUE)


class _Posts(Work):
    """The same requests with nothing around them."""

    def __init__(self, number: int) -> None:
        self.name, self.count = f"bare-{number}", 0

    def request(self) -> bytes:
        self.count += 1
        user = f"{self.name}-{self.count}@bench.example"
        body = {
            "provisioningId": "bench-A",
            "userId": user,
            "spEnterpriseId": "Bench+firma",
            "firstName": "Freja",
            "lastName": "Nørgaard",
            "package": "standard",
            "email": user,
        }
        headers = {"Authorization": "Bearer none", "Accept": "application/json"}
        return client.request("POST", PATH, headers, json.dumps(body).encode())

    def take(self, answer: Answer) -> None:
        expect(answer, answer.status == 200 and b'"provisioned"' in answer.body)


@dataclass
class Calls(Side):
    """The bare calls over keep-alive connections, so many at once, from one thread."""

    at_once: int
    seconds: float

    def go(self, jobs: int) -> Sample:
        """Ask for a while; the number of jobs does not matter."""
        connections = [Connection(self.backend.port, _Posts(n)) for n in range(self.at_once)]
        try:
            sample = client.measure(connections, self.seconds)
        finally:
            for one in connections:
                one.socket.close()
        return Sample(len(sample.latencies), sample.seconds)
