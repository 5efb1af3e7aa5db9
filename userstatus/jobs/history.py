"""What happened to a job and when, in words: a line for each change that the database recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from provisioning.catalogue import explain
from provisioning.models import Job, JobEvent
from provisioning.states import JobState
from userstatus import statuses
from userstatus.statuses import Look

SHOWN = 100

Q, SENDING, CHECKING, WAITING = (
    JobState.QUEUED,
    JobState.SENDING,
    JobState.CHECKING,
    JobState.WAITING,
)
#: From and to → what happened.
_CHANGES: dict[tuple[str, str], Any] = {
    (Q, SENDING): gettext_lazy("Sending to Webex"),
    (SENDING, Q): gettext_lazy("Nothing reached Webex; it will be sent again"),
    (SENDING, CHECKING): gettext_lazy("No clear answer: Webex is asked what became of it"),
    (SENDING, WAITING): gettext_lazy("Webex accepted it and is working"),
    (CHECKING, Q): gettext_lazy("Webex did nothing with it; it will be sent again"),
    (CHECKING, WAITING): gettext_lazy("Webex had accepted it and is working"),
}
_STATES: dict[str, Any] = {
    JobState.QUEUED: gettext_lazy("It will be sent again"),
    JobState.SENDING: gettext_lazy("Sending to Webex"),
    JobState.CHECKING: gettext_lazy("Webex is asked what became of it"),
    JobState.WAITING: gettext_lazy("Webex is working"),
    JobState.DONE: gettext_lazy("Done"),
    JobState.FAILED: gettext_lazy("Failed"),
    JobState.CANCELLED: gettext_lazy("Cancelled. Nothing was sent."),
}
#: Where the text that the job carries tells why.
_TELLS_WHY = frozenset({JobState.QUEUED, JobState.CHECKING, JobState.FAILED})


@dataclass(frozen=True)
class JobTimelineEvent:
    """One change: `actor` comes first, in bold, or is ""; `detail` is a second, smaller line."""

    at: datetime
    look: Look
    actor: str
    text: str
    detail: str = ""
    code: str = ""


def moments_of(job: Job) -> list[JobTimelineEvent]:
    """The changes, newest first, and at the bottom who asked for it; one query."""
    events = list(job.history.order_by("-id")[:SHOWN])
    return [*[_moment(job, event) for event in events], _first(job)]


def _first(job: Job) -> JobTimelineEvent:
    """How it began: no change, so the database did not record it."""
    if job.finished_at == job.created_at and job.state == JobState.CANCELLED:
        text = _("asked for it. Left out at once: nothing could be done for this user.")
    else:
        text = _("asked for it")
    return JobTimelineEvent(
        job.created_at, statuses.JOB_LOOKS[JobState.QUEUED], job.requested_label, text
    )


def _moment(job: Job, event: JobEvent) -> JobTimelineEvent:
    after = JobState(event.after)
    look = statuses.UNDONE if _is_undone(job, after) else statuses.JOB_LOOKS[after]
    actor, text = _told(job, event, after)
    detail = event.reason if after in _TELLS_WHY else ""
    if after == JobState.FAILED:
        explained = explain(job.result_code, job.result_text)
        return JobTimelineEvent(event.at, look, actor, text, str(explained.title), job.result_code)
    return JobTimelineEvent(event.at, look, actor, text, detail)


def _told(job: Job, event: JobEvent, after: JobState) -> tuple[str, str]:
    """Who and what; what the engine does by itself has no actor."""
    if _is_undone(job, after):
        return job.cancelled_by, _("undid it. Nothing was sent.")
    if after == JobState.CANCELLED and job.cancelled_by:
        return job.cancelled_by, _("cancelled it. Nothing was sent.")
    if after == JobState.SENDING and event.sends > 1:
        return "", _("Sending to Webex, time %(n)s") % {"n": event.sends}
    return "", str(_CHANGES.get((event.before, after)) or _STATES[after])


def _is_undone(job: Job, after: JobState) -> bool:
    return bool(after == JobState.CANCELLED and job.undo_until and job.cancelled_by)
