"""Icon and tone of jobs on the console's pages; those of statuses are in statuses.py."""

from __future__ import annotations

from provisioning.batches import BatchState
from provisioning.states import JobKind, JobState
from userstatus.statuses import Look

JOBS: dict[str, Look] = {
    JobState.QUEUED: Look("clock", "busy"),
    JobState.SENDING: Look("provisioning", "busy", spins=True),
    JobState.CHECKING: Look("sync", "busy"),
    JobState.WAITING: Look("provisioning", "busy", spins=True),
    JobState.DONE: Look("provisioned", "good"),
    JobState.FAILED: Look("error", "bad"),
    JobState.CANCELLED: Look("stop", "note"),
}
UNDONE = Look("undo", "note")
BATCHES: dict[str, Look] = {
    BatchState.GRACE: Look("clock", "bad"),
    BatchState.TRYING: Look("provisioning", "busy", spins=True),
    BatchState.RUNNING: Look("provisioning", "busy", spins=True),
    BatchState.PAUSED: Look("pause", "wait"),
    BatchState.DONE: Look("provisioned", "good"),
    BatchState.DONE_WITH_ERRORS: Look("alert", "bad"),
    BatchState.CANCELLED: Look("stop", "note"),
    BatchState.UNDONE: UNDONE,
}
KIND_ICONS: dict[str, str] = {
    JobKind.PROVISION: "user",
    JobKind.RETRY: "retry",
    JobKind.DELETE: "trash",
    JobKind.PACKAGE: "package",
}
