"""What the pages about jobs show, read with a fixed number of queries."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.rights import Right, may
from provisioning import selectors
from provisioning.catalogue import Explanation, explain
from provisioning.models import Job
from provisioning.states import UNFINISHED, JobState
from templates_app.models import Package
from userstatus import looks
from userstatus.statuses import Look

PAGE = 50
#: A worker leaves a sign every two seconds; after this one is missing.
SILENT = timedelta(seconds=60)

#: Filter of the list: word in the URL, label, states.
FILTERS: list[tuple[str, Any, frozenset[JobState]]] = [
    ("unfinished", _("Unfinished"), UNFINISHED),
    ("failed", _("Failed"), frozenset({JobState.FAILED})),
    ("done", _("Done"), frozenset({JobState.DONE})),
    ("cancelled", _("Cancelled"), frozenset({JobState.CANCELLED})),
]


@dataclass(frozen=True)
class JobLine:
    """A job with what the reader may do to it."""

    job: Job
    reader: User

    @property
    def look(self) -> Look:
        """Icon and tone of the state."""
        return looks.JOBS[self.job.state]

    @property
    def icon(self) -> str:
        """Icon of the kind."""
        return looks.KIND_ICONS[self.job.kind]

    @property
    def is_mine(self) -> bool:
        """The reader asked for it."""
        return self.job.requested_by_id == self.reader.pk

    @property
    def explanation(self) -> Explanation | None:
        """Why it failed, in words; None when it did not."""
        if self.job.state != JobState.FAILED:
            return None
        return explain(self.job.result_code, self.job.result_text)

    @property
    def may_cancel(self) -> bool:
        """Nothing was sent yet, and the reader has the right."""
        unsent = self.job.state == JobState.QUEUED and not self.job.sends
        return unsent and self._has_right

    @property
    def may_retry(self) -> bool:
        """It ended without success, and the reader has the right."""
        ended = self.job.state in {JobState.FAILED, JobState.CANCELLED}
        gone = self.job.subscriber is not None and self.job.subscriber.deleted_at is not None
        return ended and not gone and self._has_right

    @property
    def _has_right(self) -> bool:
        return may(self.reader, Right.ACT if self.is_mine else Right.MANAGE)

    @property
    def version(self) -> str:
        """Changes whenever the page about the job would look different."""
        job = self.job
        return f"{job.state}.{job.step}.{job.sends}.{int(job.not_before.timestamp())}"

    @property
    def next_try(self) -> datetime | None:
        """When the job is taken up again; None when it is due or has ended."""
        is_later = self.job.is_unfinished and self.job.not_before > timezone.now()
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


@dataclass(frozen=True)
class JobPage:
    """One page of the list, newest first; `older` is where the next one starts, or None."""

    lines: list[JobLine]
    older: uuids.UUID | None


def jobs_of(reader: User) -> QuerySet[Job]:
    """The partner's jobs with what their lines show."""
    found: QuerySet[Job] = Job.objects.visible_to(reader)
    return found.select_related("template", "subscriber")


def page(reader: User, *, state: str, mine: bool, after: str) -> JobPage:
    """One page of jobs: two queries. `after` is the uuid of the last job of the page before."""
    found = jobs_of(reader)
    states = {word: wanted for word, _label, wanted in FILTERS}.get(state)
    if states is not None:
        found = found.filter(state__in=states)
    if mine:
        found = found.filter(requested_by=reader)
    if last := _job(reader, after):
        older = Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
        found = found.filter(older)
    rows = list(found.order_by("-created_at", "-pk")[: PAGE + 1])
    more = len(rows) > PAGE
    lines = [JobLine(job, reader) for job in rows[:PAGE]]
    return JobPage(lines, lines[-1].job.uuid if more else None)


def some(reader: User, ids: Sequence[str]) -> list[JobLine]:
    """The partner's jobs among these uuids, at most one page; what is no uuid is left out."""
    wanted = [found for text in ids[:PAGE] if (found := parse(text))]
    return [JobLine(job, reader) for job in jobs_of(reader).filter(uuid__in=wanted)]


def _job(reader: User, text: str) -> Job | None:
    found = parse(text)
    return Job.objects.visible_to(reader).filter(uuid=found).first() if found else None


def parse(text: str) -> uuids.UUID | None:
    """A uuid out of a URL, None for anything else."""
    try:
        return uuids.UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class WorkerSign:
    """When a worker was last heard from."""

    at: datetime | None
    is_silent: bool


def worker_sign(now: datetime) -> WorkerSign:
    """The newest sign of life of a worker."""
    at = selectors.heartbeats().get("worker")
    return WorkerSign(at, at is None or now - at > SILENT)
