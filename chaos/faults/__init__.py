"""All faults of the plan: those that are run, and those that are not, with the reason."""

from __future__ import annotations

from chaos.faults import answers, brokers, database, pauses, workers
from chaos.faults.base import FAULTS, Fault

__all__ = ["FAULTS", "NOT_RUN", "Fault", "answers", "brokers", "database", "pauses", "workers"]

NOT_YET = "not written yet"
#: Number: what it is, and why it is not run here.
NOT_RUN: dict[str, tuple[str, str]] = {
    "F11": ("5xx before and after the effect", NOT_YET),
    "F12": ("the backend away for long", NOT_YET),
    "F14": (
        "answers that are garbage",
        "proven by tests/provisioning/test_hostile_backend.py and tests/webex/test_hostile.py",
    ),
    "F15": (
        "lists that repeat, hide, disorder",
        "proven by tests/provisioning/test_hostile_sync.py and tests/webex/test_paging.py",
    ),
    "F16": ("clocks that are wrong", NOT_YET),
    "F17": ("users changed behind our back", NOT_YET),
    "F18": ("two beats, a dead beat, no beat", NOT_YET),
    "F19": ("two dispatchers", "there is none: a hint after commit, and beat's sweep"),
    "F20": ("web killed around COMMIT", NOT_YET),
    "F21": ("exports that cannot be written", NOT_YET),
    "F22": ("a job that kills its worker", NOT_YET),
    "F23": ("rolling restarts", NOT_YET),
    "F24": ("cancel racing with claim", NOT_YET),
    "F25": ("a batch of 10,000 beside one action", NOT_YET),
    "F26": ("the token expires", NOT_YET),
    "F27": ("PostgreSQL's limits", NOT_YET),
    "F28": ("the mail server", NOT_YET),
    "F29": ("an hour of everything", "it is make soak"),
    "F30": (
        "a model against the whole engine",
        "proven by tests/provisioning/test_state_machine.py",
    ),
}
