"""One exchange with the backend about one job: a request, or a question. No database here.

It runs in a thread beside others of its group; everything it needs was read before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from provisioning.engine import operations
from provisioning.engine.operations import Gone, Result, Step
from provisioning.models import Job
from provisioning.states import JobState
from webex.client import WebexClient
from webex.errors import Conflict
from webex.payloads import RemoteSubscriber


@dataclass(frozen=True)
class Exchange:
    """What is to be asked or sent.

    Attributes:
        asked_at: by PostgreSQL's clock, before the first byte: answers are ordered by it.
        is_probe: only the fact of an answer counts; a job that waits to be sent stays as it is.
    """

    job: Job
    step: Step
    asked_at: datetime
    is_probe: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it: a result, None for "it did not happen" (or not yet), or an error.

    `took_ms` is the time until the whole answer was there.
    """

    exchange: Exchange
    result: Result | None = None
    error: Exception | None = None
    took_ms: int = 0

    @property
    def job(self) -> Job:
        return self.exchange.job


def run(exchange: Exchange, client: WebexClient) -> Outcome:
    """Do it; every failure is part of the outcome."""
    started = time.monotonic()
    result, failure = None, None
    try:
        result = _act(exchange)(client)
    except Exception as error:  # noqa: BLE001 -- also those nobody foresaw: the job must not stall
        failure = error
    took = int((time.monotonic() - started) * 1000)
    return Outcome(exchange, result, failure, took)


def _act(exchange: Exchange) -> Callable[[WebexClient], Result | None]:
    job, step = exchange.job, exchange.step
    if job.state == JobState.SENDING:
        return lambda client: _send(job, step, client)
    if job.state == JobState.WAITING:
        return lambda client: _look(exchange, client)
    return step.happened


def _send(job: Job, step: Step, client: WebexClient) -> Result:
    try:
        return step.send(client)
    except Conflict:
        # 409: it may be our own request that arrived before; look at what is there.
        found = step.happened(client) if job.sends > 1 else None
        if found is None:
            raise
        return found


def _look(exchange: Exchange, client: WebexClient) -> RemoteSubscriber | None:
    """How far Webex is: by ID when we have one, else by the key of the request."""
    job = exchange.job
    if job.subscriber and job.subscriber.webex_id:
        return client.get_subscriber(job.subscriber.webex_id)
    found = operations.steps(job, exchange.asked_at)[-1].happened(client)
    return None if isinstance(found, Gone) else found
