"""One batch: where it stands, what stopped it, and its rows by how they ended."""

from __future__ import annotations

import uuid as uuids
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import F, Q
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.models import User
from accounts.rights import Right
from common.folding import file_name
from provisioning.bulk import services as bulk_services
from provisioning.catalogue import Explanation, explain
from provisioning.models import Job, JobBatch
from templates_app.models import Package
from userstatus.jobs import job_line
from userstatus.jobs.batch_line import BatchLine
from userstatus.jobs.job_line import JobLine
from userstatus.requests import ConsoleRequest
from userstatus.row_keys import number_of
from userstatus.statuses import Look

PAGE = 50
#: How rows end, in the order of the page: word in the URL, label, heading, look.
OUTCOMES: list[tuple[str, object, object, Look]] = [
    ("done", gettext_lazy("done"), gettext_lazy("Done"), Look("provisioned", "good")),
    ("failed", gettext_lazy("failed"), gettext_lazy("Failed"), Look("error", "bad")),
    ("skipped", gettext_lazy("skipped"), gettext_lazy("Skipped"), Look("next", "note")),
    ("cancelled", gettext_lazy("cancelled"), gettext_lazy("Cancelled"), Look("stop", "note")),
    ("left", gettext_lazy("left"), gettext_lazy("Left"), Look("clock", "note")),
]
#: What the page shows first: the most urgent that there is.
_FIRST_SHOWN = ("failed", "left", "skipped", "cancelled", "done")


@dataclass(frozen=True)
class Outcome:
    """One figure of the page, a link to those rows."""

    word: str
    label: object
    heading: object
    look: Look
    count: int
    is_shown: bool


@dataclass(frozen=True)
class CauseGroup:
    """Rows that failed for the same cause."""

    code: str
    count: int
    explanation: Explanation


@dataclass(frozen=True)
class BatchPage:
    """Everything about one batch, and one page of its rows."""

    line: BatchLine
    outcomes: list[Outcome]
    shown: Outcome
    code: str
    causes: list[CauseGroup]
    rows: list[JobLine]
    repeats: list[JobBatch]
    no_worker: bool
    after: str
    more: str

    @property
    def package(self) -> str:
        """The package that was asked for, in the reader's language."""
        asked = self.line.batch.params.get("package", "")
        return str(dict(Package.choices).get(asked, asked))

    @property
    def submission_id(self) -> uuids.UUID:
        """Of the form that repeats the failed ones: sending it twice makes one batch."""
        return uuids.uuid4()

    @property
    def version(self) -> str:
        """Changes whenever the page would look different."""
        batch, told = self.line.batch, self.line.progress
        parts = (told.state, told.done, told.failed, told.skipped, told.cancelled, told.left)
        rows = [row.version for row in self.rows]
        seen = repr((parts, told.untouched, batch.paused_at, self.line.finish, self.more, rows))
        return f"{zlib.crc32(seen.encode()):08x}"

    def query(self, **more: str) -> str:
        """Query string of this view of the rows, with some of it changed."""
        kept = {"show": self.shown.word, "code": self.code, "after": self.after} | more
        return urlencode({name: value for name, value in kept.items() if value})

    @property
    def live_query(self) -> str:
        """What the poll asks: this view, and the version that it knows."""
        return self.query(v=self.version)

    @property
    def more_query(self) -> str:
        return self.query(after=self.more)

    @property
    def first_query(self) -> str:
        return self.query(after="")


def page_of(batch: JobBatch, reader: User, asked: Mapping[str, str], *, now: datetime) -> BatchPage:
    """Read the page: `show` (an outcome), `code`, `after` (a job's uuid) in the query.

    `rows` are the rows that an open page shows already: they are answered as they are now,
    whatever became of them, so that none has to vanish from under somebody's eyes.
    """
    progress = bulk_services.progress(batch, now)
    line = BatchLine(batch, reader, progress, now)
    outcomes = _outcomes(line, asked.get("show", ""))
    shown = next(outcome for outcome in outcomes if outcome.is_shown)
    code, after = asked.get("code", "").replace("\0", ""), asked.get("after", "")
    rows, more = _rows(batch, shown.word, code, after)
    seen = _seen(batch, rows, asked.get("rows", ""))
    return BatchPage(
        line=line,
        outcomes=outcomes,
        shown=shown,
        code=code,
        causes=[CauseGroup(c, n, explain(c)) for c, n in progress.causes],
        rows=[JobLine(job, reader) for job in [*rows, *seen]],
        repeats=list(batch.repeats.order_by("created_at")),
        no_worker=line.is_unfinished and job_line.worker_health(now).is_silent,
        after=after,
        more=more,
    )


def _outcomes(line: BatchLine, wanted: str) -> list[Outcome]:
    counts = {word: getattr(line.progress, word) for word, *_rest in OUTCOMES}
    if wanted not in counts:
        wanted = next((word for word in _FIRST_SHOWN if counts[word]), "done")
    return [
        Outcome(word, label, heading, look, counts[word], word == wanted)
        for word, label, heading, look in OUTCOMES
        if counts[word] or word not in {"cancelled"} or word == wanted
    ]


def _rows(batch: JobBatch, outcome: str, code: str, after: str) -> tuple[list[Job], str]:
    """One page in the order in which they ended; `more` is where the next one starts, or ""."""
    found = bulk_services.results(batch, outcome=outcome).select_related("template", "subscriber")
    if code:
        found = found.filter(result_code=code)
    last = _row(batch, after)
    if last is not None:
        found = found.filter(_later_than(last))
    rows = list(found.order_by(F("finished_at").asc(nulls_last=True), "pk")[: PAGE + 1])
    more = str(rows[PAGE - 1].uuid) if len(rows) > PAGE else ""
    return rows[:PAGE], more


def _later_than(last: Job) -> Q:
    """After this row, in the order of `_rows`; those that are left have not ended."""
    if last.finished_at is None:
        return Q(pk__gt=last.pk)
    later = Q(finished_at__gt=last.finished_at)
    return later | Q(finished_at=last.finished_at, pk__gt=last.pk) | Q(finished_at=None)


def _row(batch: JobBatch, text: str) -> Job | None:
    found = job_line.parse_uuid(text)
    return batch.jobs.filter(uuid=found).first() if found else None


def _seen(batch: JobBatch, rows: list[Job], text: str) -> list[Job]:
    """Rows that the page shows and that belong to another outcome by now."""
    wanted = {number_of(key) for key in text.split("_")[:PAGE]}
    missing = {pk for pk in wanted if pk is not None} - {job.pk for job in rows}
    if not missing:
        return []
    found = batch.jobs.filter(pk__in=missing).order_by("pk")
    return list(found.select_related("template", "subscriber"))


@require_safe
@requires(Right.SEE)
def job_results(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """All rows of a batch with how they ended, as a file."""
    found = job_line.job_or_batch(request.user, uuid)
    if not isinstance(found, JobBatch):
        raise Http404
    of_whom = file_name(found.template.name) or "users"
    name = f"{found.kind}-{of_whom}-{timezone.localtime(found.created_at):%Y%m%d-%H%M}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    bulk_services.write_results(found, response)
    return response
