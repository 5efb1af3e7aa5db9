"""`python -m chaos.worker <Celery's arguments>`: a worker of the product that may be struck.

It is the product's own worker, with some of its functions wrapped (chaos.steps), and with the
limits of calls and tasks brought to the scale of the run, as the product scales only its own times.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import django

from chaos import steps


def main(arguments: list[str]) -> None:
    """Wrap, then be a worker."""
    django.setup()
    from partnerhub.celery import app

    plan = steps.read_plan()
    app.conf.task_time_limit = plan.hard_seconds
    _limit_calls(plan.call_seconds)
    _install(steps.Steps(plan))
    app.worker_main(arguments)


def _limit_calls(seconds: float) -> None:
    from common.http import Timeout
    from provisioning import backend

    backend.client_for.__defaults__ = (Timeout(min(3.0, seconds), seconds),)


class _Hooks:
    """Notes of which job this process is at which step."""

    def __init__(self, book: steps.Steps) -> None:
        self.book = book
        self.job: Any = None

    def note(self, step: str) -> None:
        if self.job is not None:
            sent = self.job.intent_at is not None
            self.book.passed(step, self.job.pk, self.job.broadworks_id, sent=sent)

    def claiming(self, claim: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(claim)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.job = claim(*args, **kwargs)
            self.note("claimed")
            return self.job

        return wrapped

    def around(self, before: str, function: Callable[..., Any], after: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if before:
                self.note(before)
            try:
                return function(*args, **kwargs)
            finally:
                self.note(after)

        return wrapped


def _install(book: steps.Steps) -> None:
    from provisioning import delivery, leases

    hooks = _Hooks(book)
    leases.claim = hooks.claiming(leases.claim)
    delivery._send = hooks.around("byte", delivery._send, "answered")
    delivery.deliver = hooks.around("", delivery.deliver, "recorded")


if __name__ == "__main__":
    main(sys.argv[1:])
