"""Asking Webex outside of jobs: each request waits for its turn, and its end is told to all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from accounts.models import BackendConnection
from provisioning import timing
from provisioning.backend import gate
from provisioning.backend.gate import Trouble
from provisioning.models import Job
from webex.client import WebexClient
from webex.errors import (
    Forbidden,
    NotFound,
    NotSent,
    Throttled,
    TokenRefused,
    Unknown,
    WebexError,
    in_words,
)
from webex.payloads import Page, RemoteSubscriber

#: However few requests a minute are allowed, sync gets on.
MAX_PAUSE = 5.0


class OutOfTime(Exception):
    """Whoever asks has used up the time that they have."""


#: What asking may end with.
BROKEN_OFF = (WebexError, gate.Closed, OutOfTime)


class LimitedClient:
    """A connection's client that goes through the gate and waits for its turn there.

    After `seconds` it asks no more. All of it raises WebexError, gate.Closed when nothing may be
    sent now, and OutOfTime.
    """

    def __init__(
        self, connection: BackendConnection, client: WebexClient, *, seconds: float
    ) -> None:
        self.connection = connection
        self._client = client
        self._until = time.monotonic() + seconds
        self._began = 0.0
        self._is_open = False
        #: When the last request was sent (PostgreSQL's clock).
        self.asked_at = timing.now()

    def pages(self, provisioning_id: str, changed_after: datetime | None) -> Iterator[Page]:
        """The pages of a listing; `asked_at` is that of the page yielded last."""
        with self._reporting():
            for page in self._client.list_subscribers(
                provisioning_id, changed_after=changed_after, before_each=self._wait_turn
            ):
                self._report_answer()
                yield page

    def subscriber(self, webex_id: str) -> RemoteSubscriber | None:
        """One subscriber by its ID; None when Webex holds none."""
        try:
            with self._reporting():
                self._wait_turn()
                found = self._client.get_subscriber(webex_id)
        except NotFound:
            return None
        self._report_answer()
        return found

    def _wait_turn(self) -> None:
        if time.monotonic() > self._until:
            raise OutOfTime
        self._let_jobs_pass()
        if not gate.wait_turn(self.connection.pk, self._until):
            raise OutOfTime
        self.asked_at = timing.now()
        self._began, self._is_open = time.monotonic(), True

    def _let_jobs_pass(self) -> None:
        """While jobs are due, take no more than every second request of the rate: we ask all the
        time, workers in turns, and they would find nothing left.
        """
        began = self._began + 2 * gate.interval(self.connection).total_seconds()
        early = began - time.monotonic()
        if early > 0 and Job.objects.due(timing.now()).filter(connection=self.connection).exists():
            time.sleep(min(early, MAX_PAUSE))

    def _report_answer(self) -> None:
        """At once: it may have been the request that goes first, and the others wait for it."""
        took = int((time.monotonic() - self._began) * 1000)
        gate.record_answers(self.connection, calls=1, answer_ms=took)
        self._is_open = False

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except WebexError as error:
            # Paging stops at a link, of a page that came: _is_open is False then.
            if self._is_open and not report_trouble(self.connection, error):
                self._report_answer()
            raise


def report_trouble(connection: BackendConnection, error: WebexError) -> bool:
    """Let all workers know what this error means for them; False: Webex answered clearly."""
    if isinstance(error, NotSent):
        if error.reason != "late":  # it was us who were too late
            gate.record_trouble(connection, Trouble.UNREACHABLE, in_words(error))
    elif isinstance(error, Throttled):
        gate.record_throttling(connection, error.retry_after)
    elif isinstance(error, TokenRefused):
        gate.hold(connection, "Webex refuses the token")
    elif isinstance(error, Forbidden):
        gate.record_trouble(connection, Trouble.FORBIDDEN, "")
    elif isinstance(error, Unknown):
        gate.record_trouble(connection, Trouble.UNCLEAR, in_words(error))
        if error.retry_after:
            gate.record_throttling(connection, error.retry_after, status=error.status or 503)
    else:
        return False
    return True
