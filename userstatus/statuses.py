"""How users' statuses, jobs and batches look: icon, tone and place on the line. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning import catalogue
from provisioning.bulk.services import BatchState
from provisioning.models import Subscriber
from provisioning.states import JobState, Status

#: The four stops of the line: address, confirmation, Webex, active.
ADDRESS, CONFIRMATION, WEBEX, ACTIVE = range(4)


@dataclass(frozen=True, slots=True)
class Look:
    """Icon of `icons.svg`, tone class, and which stop of the line is here (None: no line)."""

    icon: str
    tone: str
    here: int | None = None
    spins: bool = False

    @property
    def stops(self) -> list[str]:
        """The class of each stop: done, here, or still to come."""
        if self.here is None:
            return []
        return ["done"] * self.here + ["here"] + [""] * (ACTIVE - self.here)


STATUS_LOOKS: dict[str, Look] = {
    Status.PROVISIONED: Look("provisioned", "good"),
    Status.PROVISIONING: Look("provisioning", "busy", WEBEX, spins=True),
    Status.UPDATING: Look("updating", "busy", ACTIVE, spins=True),
    Status.WAITING_ADDRESS: Look("wait-address", "wait", ADDRESS),
    Status.WAITING_CONFIRMATION: Look("wait-mail", "wait", CONFIRMATION),
    Status.WAITING_CONSENT: Look("wait-consent", "wait", WEBEX),
    Status.ERROR: Look("error", "bad", WEBEX),
}
_REFUSED_ADDRESS = Look("error", "bad", CONFIRMATION)
_UNKNOWN = Look("help", "note")
JOB_LOOKS: dict[str, Look] = {
    JobState.QUEUED: Look("clock", "busy"),
    JobState.SENDING: Look("provisioning", "busy", spins=True),
    JobState.CHECKING: Look("sync", "busy"),
    JobState.WAITING: Look("provisioning", "busy", spins=True),
    JobState.DONE: Look("provisioned", "good"),
    JobState.FAILED: Look("error", "bad"),
    JobState.CANCELLED: Look("stop", "note"),
}
UNDONE = Look("undo", "note")
BATCH_LOOKS: dict[str, Look] = {
    BatchState.GRACE: Look("clock", "bad"),
    BatchState.TRYING: Look("provisioning", "busy", spins=True),
    BatchState.RUNNING: Look("provisioning", "busy", spins=True),
    BatchState.PAUSED: Look("pause", "wait"),
    BatchState.DONE: Look("provisioned", "good"),
    BatchState.DONE_WITH_ERRORS: Look("alert", "bad"),
    BatchState.CANCELLED: Look("stop", "note"),
    BatchState.UNDONE: UNDONE,
}


def look_of(subscriber: Subscriber) -> Look:
    """The look of a user's status; one that is new to us is drawn with a question mark."""
    if subscriber.status == Status.ERROR:
        line = catalogue.explain(subscriber.error_code, subscriber.error_text)
        return _REFUSED_ADDRESS if line.address_fault else STATUS_LOOKS[Status.ERROR]
    return STATUS_LOOKS.get(subscriber.status, _UNKNOWN)


def look_of_word(status: str) -> Look:
    """The look of a status by itself, as in the ribbon."""
    return STATUS_LOOKS.get(status, _UNKNOWN)
