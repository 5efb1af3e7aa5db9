"""All faults of the plan: those that are run, and those that are not, with the reason."""

from __future__ import annotations

from chaos.faults import (
    answers,
    brokers,
    database,
    deploys,
    limits,
    mails,
    outages,
    pages,
    pauses,
    races,
    soak,
    workers,
)
from chaos.faults.base import FAULTS, Fault

__all__ = [
    "FAULTS",
    "NOT_RUN",
    "Fault",
    "answers",
    "brokers",
    "database",
    "deploys",
    "limits",
    "mails",
    "outages",
    "pages",
    "pauses",
    "races",
    "soak",
    "workers",
]

#: Number: what it is, and why it is not run here.
NOT_RUN: dict[str, tuple[str, str]] = {
    "F14": (
        "answers that are garbage",
        "proven by tests/provisioning/engine/test_hostile_backend.py, tests/webex/test_hostile.py",
    ),
    "F15": (
        "lists that repeat, hide, disorder",
        "proven by tests/provisioning/sync/test_hostile_sync.py and tests/webex/test_paging.py",
    ),
    "F19": ("two dispatchers", "there is none: a hint after commit, and beat's sweep"),
    "F21": (
        "exports: their writer killed, a full disk, a folder that cannot be written",
        "proven by tests/provisioning/exports/test_services.py and test_writer.py beside it",
    ),
    "F29": ("an hour of everything", "make soak plays it"),
    "F30": (
        "a model against the whole engine",
        "proven by tests/provisioning/engine/test_state_machine.py",
    ),
}
