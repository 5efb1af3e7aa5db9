"""`python -m chaos.worker <Celery's arguments>`: a worker of the product that may be struck.

It is the product's own worker, with some of its functions wrapped (chaos.steps), and with those
limits brought to the scale of the run that the product does not scale itself.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import django

from chaos import steps

#: What a refusal without a readable Retry-After is taken for, in place of half a minute.
GUESS_SECONDS = 3
#: A turn must leave time for a call before the hard limit of its task.
TURN_SECONDS = 0.3
CONNECT_SECONDS = 3.0


def main(arguments: list[str]) -> None:
    """Wrap, then be a worker."""
    django.setup()
    from partnerhub.celery import app

    plan = steps.read_plan()
    app.conf.task_time_limit = plan.hard_seconds
    _scale(plan.call_seconds)
    _set_clock(float(os.environ[steps.CLOCK]))
    _install(steps.Steps(plan))
    app.worker_main(arguments)


def _scale(call_seconds: float) -> None:
    from common.http import Timeout
    from provisioning.backend import client as backend_client
    from provisioning.engine import worker_turn
    from webex import errors

    connect = min(CONNECT_SECONDS, call_seconds)
    backend_client.client_for.__defaults__ = (Timeout(connect, call_seconds),)
    vars(worker_turn)["Timeout"] = functools.partial(Timeout, connect, call_seconds)
    worker_turn.TURN_SECONDS = TURN_SECONDS
    errors.RETRY_AFTER_DEFAULT = GUESS_SECONDS


def _set_clock(wrong_by: float) -> None:
    """Let everything of ours that asks for the time be told a wrong one."""
    from django.utils import timezone

    now = timezone.now
    timezone.now = lambda: now() + timedelta(seconds=wrong_by)


class _Wraps:
    """Wraps of the product's functions that begin and end each step."""

    def __init__(self, book: steps.Steps) -> None:
        self.book = book
        self.under_way = threading.local()  # the job that the exchange in a thread is about

    def passed(self, step: str, job: Any) -> None:
        if job is not None:
            self.book.passed(step, job.pk, job.broadworks_id)

    def claim(self, function: Any, *args: Any, **more: Any) -> Any:
        group = function(*args, **more)
        jobs = [one.job for one in group.exchanges] if group else []
        for job in jobs:  # all are written down before the first one may strike
            self.book.note("claimed", job.pk, job.broadworks_id, sent=job.state == "sending")
        for job in jobs:
            self.book.strike("claimed", job.pk, job.broadworks_id)
        return group

    def run(self, function: Any, one: Any, client: Any) -> Any:
        self.under_way.job = one.job
        outcome = function(one, client)
        self.under_way.job = None
        self.passed("answered", one.job)
        return outcome

    def begin(self, function: Any, call: Any) -> None:
        is_first = not call.sent
        function(call)
        if is_first:  # not yet written, but no check is left before that
            self.passed("byte", getattr(self.under_way, "job", None))

    def report_to_gate(self, function: Any, outcome: Any) -> Any:
        began = time.time()
        is_clear = function(outcome)
        if seconds := getattr(outcome.error, "retry_after", 0):
            job, until = outcome.job, began + seconds
            self.book.note("told", job.pk, job.broadworks_id, until=until)
        return is_clear

    def record(self, function: Any, outcomes: Any) -> Any:
        ended = function(outcomes)
        for one in outcomes:
            self.passed("recorded", one.job)
        return ended


def _install(book: steps.Steps) -> None:
    from common import http_sockets
    from provisioning.engine import claiming, exchange, failure_policy, recording

    wraps = _Wraps(book)
    begin = http_sockets.Call.begin
    patches: list[tuple[Any, str, Any]] = [
        (claiming, "claim", functools.partial(wraps.claim, claiming.claim)),
        (exchange, "run", functools.partial(wraps.run, exchange.run)),
        (recording, "record", functools.partial(wraps.record, recording.record)),
        (
            failure_policy,
            "report_to_gate",
            functools.partial(wraps.report_to_gate, failure_policy.report_to_gate),
        ),
        (http_sockets.Call, "begin", lambda call: wraps.begin(begin, call)),
    ]
    for where, name, wrap in patches:
        setattr(where, name, wrap)


if __name__ == "__main__":
    main(sys.argv[1:])
