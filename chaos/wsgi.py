"""The product's web server, which may be killed around the COMMIT that accepts an action.

Served by gunicorn in place of partnerhub.wsgi; CHAOS_WEB is "<chance before> <chance after>" of
each commit of a transaction in which a job was written. It strikes while `armed` exists.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from partnerhub.wsgi import application
from provisioning.bulk import statements as bulk_statements
from provisioning.jobs import outbox

__all__ = ["application"]

VARIABLE = "CHAOS_WEB"
_transaction = threading.local()
_folder = Path(os.environ["CHAOS_STEPS"]).parent
_before, _after = map(float, os.environ[VARIABLE].split())
_commit = vars(BaseDatabaseWrapper)["_commit"]


def _noting(write: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that writes jobs mark its transaction."""

    def noted(*args: Any, **kwargs: Any) -> Any:
        written = write(*args, **kwargs)
        _transaction.has_job = True
        return written

    return noted


def _struck(wrapper: BaseDatabaseWrapper) -> None:
    has_job, _transaction.has_job = getattr(_transaction, "has_job", False), False
    _strike("before", _before if has_job else 0.0)
    _commit(wrapper)
    _strike("after", _after if has_job else 0.0)


def _strike(where: str, chance: float) -> None:
    # Drawn anew in each process and for each commit: a fork has its parent's random numbers.
    if chance and random.SystemRandom().random() < chance and (_folder / "armed").exists():
        with (_folder / "struck").open("a") as file:
            file.write(f"{where}\n")
        os.kill(os.getpid(), signal.SIGKILL)


outbox.enqueue = _noting(outbox.enqueue)
bulk_statements.insert = _noting(bulk_statements.insert)
setattr(BaseDatabaseWrapper, "_commit", _struck)  # noqa: B010 - mypy knows no such name
