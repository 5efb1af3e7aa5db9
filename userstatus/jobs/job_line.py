"""What the pages about jobs show, read with a fixed number of queries."""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.models import User
from common import clock
from common.bidi import isolated
from provisioning import codes, selectors
from provisioning.catalogue import Explanation, explain
from provisioning.jobs import permissions
from provisioning.kinds import kind_of
from provisioning.models import Job, JobBatch
from provisioning.states import JobState
from templates_app.models import Package
from userstatus import statuses
from userstatus.row_keys import short
from userstatus.statuses import Look

#: A worker leaves a sign every two seconds; after this one is missing.
SILENT_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class JobLine:
    """A job with what the reader may do to it."""

    job: Job
    reader: User

    is_batch = False

    @property
    def work(self) -> Job:
        """The job; what is the batch for a line of a batch."""
        return self.job

    @property
    def key(self) -> str:
        """Short id of its row in the page."""
        return short(self.job.pk)

    @property
    def is_undoable(self) -> bool:
        """A delete in its time of grace."""
        return self.job.can_be_undone(clock.now())

    @property
    def uuid(self) -> uuids.UUID:
        return self.job.uuid

    @property
    def is_unfinished(self) -> bool:
        return self.job.is_unfinished

    @property
    def is_undone(self) -> bool:
        """A delete that somebody took back."""
        job = self.job
        return bool(job.state == JobState.CANCELLED and job.undo_until and job.cancelled_by)

    @property
    def is_skipped(self) -> bool:
        """Left out of its batch, because nothing could be done for the user."""
        code = self.job.result_code
        return self.job.state == JobState.CANCELLED and code in codes.SKIPS

    @property
    def state_words(self) -> str:
        """The state, with who cancelled or undid it."""
        who = {"who": isolated(self.job.cancelled_by)}
        if self.is_undone:
            return _("Undone by %(who)s") % who
        if self.is_skipped:
            return _("Skipped")
        if self.job.state == JobState.CANCELLED and self.job.cancelled_by:
            return _("Cancelled by %(who)s") % who
        return str(self.job.get_state_display())

    @property
    def look(self) -> Look:
        return statuses.UNDONE if self.is_undone else statuses.JOB_LOOKS[self.job.state]

    @property
    def icon(self) -> str:
        return kind_of(self.job.kind).icon

    @property
    def is_mine(self) -> bool:
        """The reader asked for it."""
        return self.job.requested_by_id == self.reader.pk

    @property
    def explanation(self) -> Explanation | None:
        """Why it failed or was skipped, in words; None when it was not."""
        if self.job.state != JobState.FAILED and not self.is_skipped:
            return None
        return explain(self.job.result_code, self.job.result_text)

    @property
    def may_cancel(self) -> bool:
        """Nothing was sent yet, and the reader has the right."""
        unsent = self.job.state == JobState.QUEUED and not self.job.sends
        may_cancel = permissions.may_cancel(self.reader, self.job)
        return unsent and may_cancel and not self.is_undoable

    @property
    def may_retry(self) -> bool:
        """It ended without success, and the reader has the right."""
        ended = self.job.state in {JobState.FAILED, JobState.CANCELLED}
        gone = self.job.subscriber is not None and self.job.subscriber.deleted_at is not None
        return ended and not gone and permissions.may_repeat(self.reader, self.job)

    @property
    def version(self) -> str:
        """Changes whenever the page about the job would look different."""
        job = self.job
        due = int(job.not_before.timestamp())
        return f"{job.state}.{job.step}.{job.sends}.{due}.{self.is_undoable:d}{job.held:d}"

    @property
    def next_try(self) -> datetime | None:
        """When the job is taken up again; None when it is due, undoable or has ended."""
        is_later = self.job.is_unfinished and self.job.not_before > clock.now()
        is_later = is_later and not self.is_undoable
        return self.job.not_before if is_later else None

    @property
    def package(self) -> str:
        """The package that was asked for, in the reader's language."""
        asked = self.job.params.get("package", "")
        return str(dict(Package.choices).get(asked, asked))

    @property
    def user_name(self) -> str:
        """The name of the user, "" when it is not known."""
        return self.job.subscriber.name if self.job.subscriber else ""


def jobs_of(reader: User) -> QuerySet[Job]:
    """The partner's jobs with what their lines show."""
    found: QuerySet[Job] = Job.objects.visible_to(reader)
    return found.select_related("template", "subscriber", "batch")


def batches_of(reader: User) -> QuerySet[JobBatch]:
    """The partner's batches with what their lines show."""
    found: QuerySet[JobBatch] = JobBatch.objects.visible_to(reader)
    return found.select_related("template")


def job_or_batch(reader: User, uuid: uuids.UUID) -> Job | JobBatch:
    """The partner's job or batch with this uuid.

    Raises:
        Http404: there is none, or it is another partner's.
    """
    job: Job | None = jobs_of(reader).filter(uuid=uuid).first()
    if job is not None:
        return job
    batch: JobBatch | None = batches_of(reader).filter(uuid=uuid).first()
    if batch is None:
        raise Http404
    return batch


def parse_uuid(text: str) -> uuids.UUID | None:
    """A uuid out of a URL, None for anything else."""
    try:
        return uuids.UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class WorkerHealth:
    """When a worker was last heard from."""

    at: datetime | None
    is_silent: bool


def worker_health(now: datetime) -> WorkerHealth:
    """The newest sign of life of a worker."""
    at = selectors.heartbeats().get("worker")
    return WorkerHealth(at, at is None or now - at > SILENT_AFTER)
