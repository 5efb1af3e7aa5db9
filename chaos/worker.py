"""`python -m chaos.worker <Celery's arguments>`: a worker of the product that may be struck.

It is the product's own worker, with some of its functions wrapped (chaos.steps), and with those
limits brought to the scale of the run that the product does not scale itself.
"""

from __future__ import annotations

import functools
import sys
import threading
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
    _install(steps.Steps(plan))
    app.worker_main(arguments)


def _scale(call_seconds: float) -> None:
    from common.http import Timeout
    from provisioning import backend, serving
    from webex import errors

    connect = min(CONNECT_SECONDS, call_seconds)
    backend.client_for.__defaults__ = (Timeout(connect, call_seconds),)
    serving.Timeout = functools.partial(Timeout, connect, call_seconds)  # type: ignore[assignment]
    serving.TURN_SECONDS = TURN_SECONDS
    errors.RETRY_AFTER_DEFAULT = GUESS_SECONDS


def _install(book: steps.Steps) -> None:
    """Wrap the functions of the product that begin and end each step."""
    from common import http_sockets
    from provisioning import claiming, delivery, exchange

    under_way = threading.local()  # which job the exchange in this thread is about
    claim, run, record = claiming.claim, exchange.run, delivery.record
    begin = http_sockets.Call.begin

    def note(step: str, job: Any) -> None:
        book.passed(step, job.pk, job.broadworks_id, sent=job.state == "sending")

    @functools.wraps(claim)
    def claims(*args: Any, **kwargs: Any) -> Any:
        group = claim(*args, **kwargs)
        for one in group.exchanges if group else []:
            note("claimed", one.job)
        return group

    @functools.wraps(run)
    def runs(one: Any, client: Any) -> Any:
        under_way.job = one.job
        outcome = run(one, client)
        under_way.job = None
        note("answered", one.job)
        return outcome

    @functools.wraps(begin)
    def begins(call: Any) -> None:
        is_first = not call.sent
        begin(call)
        if is_first and getattr(under_way, "job", None) is not None:
            note("byte", under_way.job)

    @functools.wraps(record)
    def records(outcomes: Any) -> Any:
        ended = record(outcomes)
        for one in outcomes:
            note("recorded", one.job)
        return ended

    claiming.claim, exchange.run, delivery.record = claims, runs, records
    http_sockets.Call.begin = begins  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
