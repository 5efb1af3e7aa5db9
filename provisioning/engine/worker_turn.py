"""Serving a connection: for about a second, take what may go out, send it, record what comes.

Several requests are under way at once, each in a thread that touches no database; taking and
recording happen here. A connection that has more to do is served again after the others.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import InterfaceError, OperationalError
from django.db import connection as database

from accounts import secrets
from accounts.models import BackendConnection
from common.http import Timeout
from provisioning.backend import gate
from provisioning.backend.client import client_for
from provisioning.bulk import rollout
from provisioning.engine import claiming, exchange, failure_policy, recording
from provisioning.engine.claiming import Group
from provisioning.engine.exchange import Outcome
from provisioning.jobs import outbox
from provisioning.models import Job
from provisioning.states import JobState
from provisioning.timing import START_SECONDS, scaled

logger = logging.getLogger(__name__)

#: How long one connection is served before others have their turn.
TURN_SECONDS = 1.0
#: Answers that come within a third of the time that the first one took, within these limits, are
#: recorded together with it: they were sent together, and a group costs little more than one.
GROUPING_PART, GROUPING_SECONDS = 1 / 3, (0.004, 0.05)
#: Threads of a process; a connection uses no more than its requests at once.
MAX_THREADS = 32
#: What a lost connection to PostgreSQL raises; a lock or a statement that took too long does too.
LOST_CONNECTION = (OperationalError, InterfaceError)
#: Seconds between tries to record; all together within the hard time limit of the task.
RECORD_RETRY_SECONDS = (0.1, 0.3, 0.6, 1.0, 1.5, 2.0)
Made = TypeVar("Made")
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
        self._beside_suspect = False
        self._until = time.monotonic() + TURN_SECONDS
        self._under_way: set[Future[Outcome]] = set()
        self._answers: list[Outcome] = []
        self._clear = 0
        self._answer_ms = 0
        self._connection: BackendConnection | None = None
        self._batches: set[int] = set()

    def run(self) -> None:
        """Take, send and record until the turn is over or nothing may go out."""
        while True:
            self._collect()
            is_taken = self._take()
            is_recorded = self._record()
            if not (is_taken or is_recorded or self._under_way):
                break
            if is_taken or not is_recorded:
                self._wait_for_some()
        _until_written(lambda _none: self._report_answers(), [])
        rollout.watch_all(self._batches)

    def _record(self) -> bool:
        """Write what came of the exchanges that were heard of; False when there was none."""
        outcomes, self._answers = self._answers, []
        if outcomes:
            self._watch(_until_written(recording.record, outcomes))
        return bool(outcomes)

    def _watch(self, ended: list[Job]) -> None:
        """Failures may stop a batch: look at once; also at one that is new in this turn, as its
        first rows hold back the others. What goes well is looked at when the turn is over.
        """
        new = {job.batch_id for job in ended if job.batch_id} - self._batches
        self._batches |= new
        watched = [job for job in ended if job.state == JobState.FAILED or job.batch_id in new]
        rollout.watch_over(watched)

    def _take(self) -> bool:
        if time.monotonic() >= self._until:
            self.is_cut_short = True
            return False
        if self._beside_suspect and not self._is_alone:
            return False
        group = self._group()
        if group is None:
            return False
        self._connection, self._beside_suspect = group.connection, group.is_suspect
        self._watch(group.ended)
        self._send(group)
        return True

    @property
    def _is_alone(self) -> bool:
        """Nothing is under way or unrecorded: a job that kills us takes no other with it."""
        return not self._under_way and not self._answers

    def _answered_jobs(self) -> list[Job]:
        """Jobs that are answered, but not recorded yet: when all is well the next ones go out
        before, so that the backend need not wait for our books.
        """
        is_well = all(one.error is None for one in self._answers)
        return [one.job for one in self._answers] if is_well else []

    def _group(self) -> Group | None:
        try:
            return claiming.claim(
                self.connection_id, answered=self._answered_jobs(), alone=self._is_alone
            )
        except LOST_CONNECTION:
            if not self._under_way and not self._answers:
                raise
            self._until = 0.0  # answers are still to come, and to be recorded
            return None

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
            failure_policy.try_later(one.job, until, reason)

    def _wait_for_some(self) -> None:
        """Until an answer is there, with those that come soon after it."""
        if not self._answers and self._under_way:
            done, left = wait(self._under_way, return_when=FIRST_COMPLETED)
            until = time.monotonic() + _grouping_seconds(done)
            while left and _all_succeeded(done) and (seconds := until - time.monotonic()) > 0:
                done, left = wait(left, seconds, FIRST_COMPLETED)
            self._collect()

    def _collect(self) -> None:
        """All workers must hear of a closed gate before anything else is done or taken."""
        done = {future for future in self._under_way if future.done()}
        self._under_way -= done
        outcomes = [future.result() for future in done]
        if outcomes:
            _until_written(self._report_to_gate, outcomes)
        self._answers += outcomes

    def _report_to_gate(self, outcomes: list[Outcome]) -> None:
        for one in outcomes:
            if one.error is not None:
                self._report_answers()  # or trouble among them would look like nothing but trouble
            if failure_policy.report_to_gate(one):
                self._clear += 1
                self._answer_ms = one.took_ms
            if one.exchange.is_probe:
                self._report_answers()

    def _report_answers(self) -> None:
        """Clear answers are told once a turn, and before trouble: else they change nothing."""
        if self._clear and self._connection:
            gate.record_answers(self._connection, calls=self._clear, answer_ms=self._answer_ms)
            self._clear = 0


def _all_succeeded(done: set[Future[Outcome]]) -> bool:
    """Trouble is told at once: it may close the gate for all workers."""
    return all(one.result().error is None for one in done)


def _grouping_seconds(first: set[Future[Outcome]]) -> float:
    """How long to wait for answers that came with the first ones, in seconds."""
    took = min(one.result().took_ms for one in first) / 1000
    least, most = GROUPING_SECONDS
    return min(max(took * GROUPING_PART, least), most)


def _until_written(write: Callable[[list[Outcome]], Made], outcomes: list[Outcome]) -> Made:
    """Write what came of exchanges, also when PostgreSQL restarts meanwhile: a clear answer that
    is not recorded costs its job the quiet time.
    """
    before = [dict(vars(one.job)) for one in outcomes]
    for pause in RECORD_RETRY_SECONDS:
        try:
            return write(outcomes)
        except LOST_CONNECTION:
            logger.warning("not recorded yet", exc_info=True)
            for one, values in zip(outcomes, before, strict=True):
                vars(one.job).update(values)
            database.close()
            time.sleep(pause)
    return write(outcomes)


def _pool() -> ThreadPoolExecutor:
    """The threads of this process; a fork has none of its parent's."""
    pid = os.getpid()
    if pid not in _pools:
        _pools.clear()
        _pools[pid] = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="exchange")
    return _pools[pid]
