"""Two hundred open pages on the web server of `make run`, and what they leave to others."""

from __future__ import annotations

import heapq
import http.client
import itertools
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape

from benchmarks import machine, stage
from benchmarks.client import MeasurementFailed
from benchmarks.options import Options
from benchmarks.screen_pages import polls_of
from benchmarks.screen_sides import ms, part_of
from benchmarks.screen_stage import Scene
from benchmarks.versus import Versus
from partnerhub.local import parent_death, servers
from partnerhub.local import processes as product_processes
from partnerhub.local.bootstrap import ROOT

PAGES, CALM = 200, 5.0  # static/js/live.js
THREADS = 8
VISITS_A_SECOND = 4
#: A page may take this long beside the polls, the machine may be this busy.
MAX_SECONDS, MAX_SHARE = 0.150, 0.5
_GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py")
_NEXT = re.compile(r'href="([^"]*\bafter=[^"]*)"')


@dataclass
class Web:
    """A web server, asked as a signed-in administrator; times of answers in seconds."""

    pid: int
    port: int
    cookie: str
    times: list[float] = field(default_factory=list)

    def get(self, address: str) -> str:
        """Return a page, by a connection of its own."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            link.request("GET", address, headers={"Cookie": f"session={self.cookie}"})
            answer = link.getresponse()
            body = answer.read().decode()
        finally:
            link.close()
        if answer.status != 200:
            raise MeasurementFailed(f"{address[:200]}: {answer.status}")
        return body

    def timed(self, address: str) -> float:
        """Return how long a page took."""
        began = time.perf_counter()
        self.get(address)
        return time.perf_counter() - began


def measure(place: Scene, options: Options) -> list[Versus]:
    """First pages alone, then the same while so many pages are open."""
    seconds = max(options.seconds * 4, 1.0)
    with _web(place, options) as web:
        polls = _open_pages(web, place)
        alone = _visits(web, place, seconds)
        server = (web.pid, stage.postmaster(place.url))
        before, began = _cpu(server), time.monotonic()
        with _polling(web, polls) as poll_times:
            beside = _visits(web, place, seconds)
        used = (_cpu(server) - before) / (time.monotonic() - began) / _cores()
    return _lines(poll_times, alone, beside, used)


def _lines(
    polls: list[float], alone: list[float], beside: list[float], used: float
) -> list[Versus]:
    name = f"open pages: {PAGES}"
    p95, p95_alone, poll = (part_of(times, 0.95) for times in (beside, alone, polls))
    slower = statistics.median(beside) / statistics.median(alone)
    return [
        Versus(f"{name}, server's share", f"{used:.0%}", "at most", f"{MAX_SHARE:.0%}",
               used / MAX_SHARE, most=1),
        Versus(f"{name}, poll p95", ms(poll), f"p50 of {len(polls)}", ms(part_of(polls, 0.5))),
        Versus(f"{name}, first page p95", ms(p95), "at most", ms(MAX_SECONDS),
               p95 / MAX_SECONDS, most=1),
        Versus(f"{name}, first page p95", ms(p95), "without them", ms(p95_alone), p95 / p95_alone),
        Versus(f"{name}, first page p50", ms(statistics.median(beside)), "without them",
               ms(statistics.median(alone)), slower),
    ]  # fmt: skip


def _cpu(processes: tuple[int, ...]) -> float:
    return sum(machine.cpu_seconds(pid) for pid in processes)


def _cores() -> int:
    return os.cpu_count() or 1


# ---- The server ----


@contextmanager
def _web(place: Scene, options: Options) -> Iterator[Web]:
    """Run gunicorn as `make run` does, on all cores, as PostgreSQL is from here on."""
    port = servers.free_port()
    told = {"WEB_BIND": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "partnerhub.settings"}
    with _all_cores(options, stage.postmaster(place.url)):
        process = subprocess.Popen(
            [*_GUNICORN, "--log-level", "warning", "partnerhub.wsgi"],
            cwd=ROOT,
            env=os.environ | place.environment | product_processes.WEB_LIMITS | told,
            stdout=subprocess.DEVNULL,
            preexec_fn=parent_death.die_with_parent(),
        )
    try:
        stage.wait(process, port)
        yield Web(process.pid, port, place.party["cookie"])
    finally:
        process.terminate()
        process.wait(stage.START_SECONDS)


@contextmanager
def _all_cores(options: Options, postmaster: int) -> Iterator[None]:
    """Let the server, and what is started meanwhile, run where it is quickest."""
    if options.cores.measured is None:
        yield
        return
    everywhere = {options.cores.measured, *options.cores.others}
    os.sched_setaffinity(postmaster, everywhere)
    os.sched_setaffinity(0, everywhere)
    try:
        yield
    finally:
        os.sched_setaffinity(0, options.cores.others)


# ---- The load ----


def _open_pages(web: Web, place: Scene) -> list[str]:
    """The polls of pages of all templates, one after the other in each list."""
    lists = [f"/templates/{uuid}/users/" for uuid in place.party["uuids"]]
    found: list[str] = []
    for path in itertools.cycle(lists):
        address: str | None = path
        for _ in range(-(-PAGES // len(lists))):
            page = web.get(address or path)
            found.append(polls_of(page)[0])
            link = _NEXT.search(page)
            address = f"{path}{unescape(link[1])[unescape(link[1]).index('?') :]}" if link else None
            if len(found) == PAGES:
                return found
    return found


def _visits(web: Web, place: Scene, seconds: float) -> list[float]:
    """Times of first pages of the large template, so many a second."""
    path, times = f"/templates/{place.party['uuids'][0]}/users/", []
    began = time.monotonic()
    for number in range(int(seconds * VISITS_A_SECOND)):
        time.sleep(max(began + number / VISITS_A_SECOND - time.monotonic(), 0))
        times.append(web.timed(path))
    return times


@contextmanager
def _polling(web: Web, polls: list[str]) -> Iterator[list[float]]:
    """Ask for all pages at their times until the block ends; yields the times of answers."""
    done, failed = threading.Event(), threading.Event()
    lock, times, luck = threading.Lock(), list[float](), random.Random(3)
    due = [(time.monotonic() + luck.random() * CALM, poll) for poll in polls]
    heapq.heapify(due)

    def work() -> None:
        while not done.is_set():
            with lock:
                at, poll = heapq.heappop(due)
            if done.wait(max(at - time.monotonic(), 0)):
                return
            try:
                took = web.timed(poll)
            except (OSError, http.client.HTTPException, MeasurementFailed):
                failed.set()
                return
            with lock:  # as the page does: the next one so long after the answer
                times.append(took)
                heapq.heappush(due, (time.monotonic() + CALM, poll))

    with _threads(work, done):
        yield times
    if failed.is_set() or not times:
        raise MeasurementFailed("a poll was not answered")


@contextmanager
def _threads(work: Callable[[], None], done: threading.Event) -> Iterator[None]:
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
