"""What the pages about jobs show of a batch: state, counts, bar, and what the reader may do."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import User
from common.bidi import isolated
from common.templatetags.look import figure
from provisioning.bulk import services as bulk_services
from provisioning.bulk.services import OUTCOMES, TRIAL_SIZE, BatchState, Progress
from provisioning.jobs import permissions
from provisioning.kinds import kind_of
from provisioning.models import Job, JobBatch
from userstatus import statuses
from userstatus.jobs import batch_texts
from userstatus.statuses import Look

#: Length of the bar; a part that is there at all is at least so long, or nobody would see it.
BAR, SHORTEST = 1000, 8
#: Counts of batches that have ended, which never change again: counting ten thousand rows once a
#: process is enough.
MAX_REMEMBERED = 2000
_ended: dict[uuids.UUID, dict[str, int]] = {}


@dataclass(frozen=True)
class BarSegment:
    """One part of the bar: where it starts and how long it is, of BAR."""

    tone: str
    x: int
    width: int


@dataclass(frozen=True)
class BatchLine:
    """A batch with how far it is and what the reader may do to it."""

    batch: JobBatch
    reader: User
    progress: Progress
    now: datetime

    is_batch = True

    @property
    def work(self) -> JobBatch:
        """The batch; what is the job for a line of a job."""
        return self.batch

    @property
    def is_undoable(self) -> bool:
        """Deletes in their time of grace."""
        return self.progress.state == BatchState.GRACE

    @property
    def uuid(self) -> uuids.UUID:
        return self.batch.uuid

    @property
    def look(self) -> Look:
        return statuses.BATCH_LOOKS[self.progress.state]

    @property
    def icon(self) -> str:
        return kind_of(self.batch.kind).icon

    @property
    def state_words(self) -> str:
        """The state, with who brought it about where that matters."""
        who = isolated(self.batch.cancelled_by)
        words = {
            BatchState.GRACE: _("Waiting"),
            BatchState.TRYING: _("Trying the first %(n)s")
            % {"n": min(TRIAL_SIZE, self.batch.total)},
            BatchState.RUNNING: _("Running"),
            BatchState.PAUSED: _("Paused by the brake"),
            BatchState.DONE: _("Done"),
            BatchState.DONE_WITH_ERRORS: _("Done with errors"),
            BatchState.CANCELLED: _("Cancelled by %(who)s") % {"who": who},
            BatchState.UNDONE: _("Undone by %(who)s") % {"who": who},
        }
        return words[self.progress.state]

    @property
    def is_mine(self) -> bool:
        """The reader asked for it."""
        return self.batch.requested_by_id == self.reader.pk

    @property
    def is_unfinished(self) -> bool:
        return self.batch.finished_at is None

    @property
    def may_cancel(self) -> bool:
        """Something has not been sent yet, and the reader has the right."""
        is_open = self.is_unfinished and not self.is_undoable
        return bool(is_open and self.progress.untouched and self._may_cancel)

    @property
    def may_resume(self) -> bool:
        """The brake stopped it, and the reader has the right."""
        return self.progress.state == BatchState.PAUSED and self._may_cancel

    @property
    def may_retry(self) -> bool:
        """Some failed, it does not go on by itself, and the reader has the right."""
        stands = not self.is_unfinished or self.progress.state == BatchState.PAUSED
        may_repeat = permissions.may_repeat(self.reader, self.batch)
        return bool(self.progress.failed and stands and may_repeat)

    @property
    def _may_cancel(self) -> bool:
        return permissions.may_cancel(self.reader, self.batch)

    @property
    def counts(self) -> str:
        """The counts in one line; what is none is left out, unless all of it is."""
        told = self.progress
        parts = [
            (told.done, _("%(n)s done")),
            (told.failed, _("%(n)s failed")),
            (told.skipped, _("%(n)s skipped")),
            (told.cancelled, _("%(n)s untouched")),
            (told.left, _("%(n)s left")),
        ]
        return ", ".join(words % {"n": figure(n)} for n, words in parts if n)

    @property
    def callout(self) -> batch_texts.Callout | None:
        """What stopped it, or None."""
        return batch_texts.callout_of(self.batch, self.progress)

    @property
    def finish(self) -> str:
        """When it will be done, and what limits it; "" when nothing is to come."""
        return batch_texts.finish_of(self.progress, self.now)

    @property
    def bar(self) -> list[BarSegment]:
        """The bar: done, failed, skipped; what is left and what was cancelled stay empty."""
        told = self.progress
        return bar_segments(
            [("good", told.done), ("bad", told.failed), ("note", told.skipped)], self.batch.total
        )


def progress_of(found: Sequence[JobBatch], now: datetime) -> dict[int, Progress]:
    """How far each batch is, by its key; one query at most, and without finish and causes."""
    counted = {batch.pk: _ended[batch.uuid] for batch in found if batch.uuid in _ended}
    counted |= _count([batch for batch in found if batch.pk not in counted])
    return {batch.pk: _progress(batch, counted[batch.pk], now) for batch in found}


def _count(asked: Sequence[JobBatch]) -> dict[int, dict[str, int]]:
    if not asked:
        return {}
    jobs = Job.objects.filter(partner=asked[0].partner_id, batch__in=asked).order_by()
    counts = {word: Count("pk", filter=condition) for word, condition in OUTCOMES.items()}
    found = {row.pop("batch"): row for row in jobs.values("batch").annotate(**counts)}
    counted = {batch.pk: found.get(batch.pk, dict.fromkeys(OUTCOMES, 0)) for batch in asked}
    _remember(asked, counted)
    return counted


def _remember(asked: Sequence[JobBatch], counted: dict[int, dict[str, int]]) -> None:
    if len(_ended) > MAX_REMEMBERED:
        _ended.clear()
    _ended.update({batch.uuid: counted[batch.pk] for batch in asked if batch.finished_at})


def _progress(batch: JobBatch, counts: dict[str, int], now: datetime) -> Progress:
    told = Progress(
        total=batch.total,
        done=counts["done"],
        failed=counts["failed"],
        skipped=counts["skipped"],
        cancelled=counts["cancelled"],
        left=counts["left"],
        untouched=0,
        state=BatchState.DONE,
    )
    return replace(told, state=bulk_services.state_of(batch, told, now))


def bar_segments(counts: list[tuple[str, int]], total: int) -> list[BarSegment]:
    """Lengths for these counts; each that is not 0 can be seen, and together they fit."""
    widths = [max(SHORTEST, n * BAR // max(total, 1)) if n else 0 for _tone, n in counts]
    over = sum(widths) - BAR
    if over > 0:
        widths[widths.index(max(widths))] -= over
    parts, x = [], 0
    for (tone, _n), width in zip(counts, widths, strict=True):
        if width:
            parts.append(BarSegment(tone, x, width))
        x += width
    return parts
