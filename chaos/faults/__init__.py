"""All faults of the plan: those that are run, and those that are not, with the reason."""

from __future__ import annotations

from chaos.faults import answers, brokers, database, deploys, outages, pauses, races, workers
from chaos.faults.base import FAULTS, Fault

__all__ = [
    "FAULTS",
    "NOT_RUN",
    "Fault",
    "answers",
    "brokers",
    "database",
    "deploys",
    "outages",
    "pauses",
    "races",
    "workers",
]

NOT_YET = "not written yet"
#: Number: what it is, and why it is not run here.
NOT_RUN: dict[str, tuple[str, str]] = {
    "F14": (
        "answers that are garbage",
        "proven by tests/provisioning/test_hostile_backend.py and tests/webex/test_hostile.py",
    ),
    "F15": (
        "lists that repeat, hide, disorder",
        "proven by tests/provisioning/test_hostile_sync.py and tests/webex/test_paging.py",
    ),
    "F19": ("two dispatchers", "there is none: a hint after commit, and beat's sweep"),
    "F20": ("web killed around COMMIT", NOT_YET),
    "F21": ("exports that cannot be written", NOT_YET),
    "F27": ("PostgreSQL's limits", NOT_YET),
    "F28": ("the mail server", NOT_YET),
    "F29": ("an hour of everything", "it is make soak"),
    "F30": (
        "a model against the whole engine",
        "proven by tests/provisioning/test_state_machine.py",
    ),
}
