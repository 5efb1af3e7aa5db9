"""Serving a connection: for about a second, take what may go out, send it, record what comes.

Several requests are under way at once, each in a thread that touches no database; taking and
recording happen here. A connection that has more to do is served again after the others.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from accounts import secrets
from accounts.models import BackendConnection
from common.http import Timeout
from provisioning import batch_watching, claiming, consequences, delivery, exchange, gate, outbox
from provisioning.backend import client_for
from provisioning.claiming import Group
from provisioning.exchange import Outcome
from provisioning.timing import START_SECONDS, scaled

#: How long one connection is served before others have their turn.
TURN_SECONDS = 1.0
#: Answers that come so soon after the first one are recorded together with it.
TOGETHER_SECONDS = 0.004
#: Threads of a process; a connection uses no more than its requests at once.
MOST_AT_ONCE = 32
_pools: dict[int, ThreadPoolExecutor] = {}


def serve(connection_id: int) -> int:
    """Do what is due for one connection; returns how many exchanges there were.

    Doubled hints are harmless: each job is taken once. What is left over is hinted at again.
    """
    if not outbox.has_due(connection_id):
        return 0
    turn = _Turn(connection_id)
    turn.run()
    if turn.is_cut_short:
        outbox.hint(connection_id)
    return turn.exchanges


class _Turn:
    """One connection's turn."""

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        self.exchanges = 0
        self.is_cut_short = False
        self._until = time.monotonic() + TURN_SECONDS
        self._under_way: set[Future[Outcome]] = set()
        self._clear = 0
        self._answer_ms = 0
        self._connection: BackendConnection | None = None

    def run(self) -> None:
        """Take, send and record until the turn is over or nothing may go out."""
        while True:
            if not self._take() and not self._under_way:
                break
            self._record(self._finished())
        self._tell_clear()

    def _take(self) -> bool:
        if time.monotonic() >= self._until:
            self.is_cut_short = True
            return False
        group = claiming.claim(self.connection_id)
        if group is None:
            return False
        self._connection = group.connection
        batch_watching.watch_over(group.ended)
        self._send(group)
        return True

    def _send(self, group: Group) -> None:
        late = scaled(START_SECONDS).total_seconds()
        try:
            client = client_for(group.connection, Timeout(start_by=group.taken_at + late))
        except secrets.Unsealable:
            self._hold(group)
            return
        self.exchanges += len(group.exchanges)
        for one in group.exchanges:
            self._under_way.add(_pool().submit(exchange.run, one, client))

    def _hold(self, group: Group) -> None:
        reason = "the token cannot be read with the keys configured here"
        until = gate.hold(group.connection, reason)
        for one in group.exchanges:
            consequences.again(one.job, until, reason)

    def _finished(self) -> list[Outcome]:
        if not self._under_way:
            return []
        wait(self._under_way, return_when=FIRST_COMPLETED)
        done, self._under_way = wait(self._under_way, timeout=TOGETHER_SECONDS)
        return [future.result() for future in done]

    def _record(self, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        # All workers must hear of a closed gate before anything else is done.
        for one in outcomes:
            if consequences.tell_gate(one):
                self._clear += 1
                self._answer_ms = one.took_ms
            if one.exchange.is_probe:
                self._tell_clear()
        batch_watching.watch_over(delivery.record(outcomes))

    def _tell_clear(self) -> None:
        """Clear answers are told once a turn: they change nothing for the others."""
        if self._clear and self._connection:
            gate.answered(self._connection, calls=self._clear, answer_ms=self._answer_ms)
            self._clear = 0


def _pool() -> ThreadPoolExecutor:
    """The threads of this process; a fork has none of its parent's."""
    pid = os.getpid()
    if pid not in _pools:
        _pools.clear()
        _pools[pid] = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="exchange")
    return _pools[pid]
