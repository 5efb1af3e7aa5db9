"""Sentences about a batch: why it stands still, when it will be done and what limits it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.templatetags.look import figure
from common.times import Clock
from provisioning.bulk.services import BRAKE_AFTER, TRIAL_SIZE, BatchState, Finish, Limit, Progress
from provisioning.catalogue import explain
from provisioning.models import JobBatch


@dataclass(frozen=True)
class Callout:
    """What stopped a batch.

    Attributes:
        title: what happened.
        text: why it stands still.
        untouched: to how many nothing was done, as a sentence.
        more: what going on means.
    """

    title: str
    text: str
    untouched: str
    more: str
    advice: str


def callout_of(batch: JobBatch, told: Progress) -> Callout | None:
    """Say why the brake stopped the batch; None when it did not."""
    if told.state != BatchState.PAUSED:
        return None
    ended = told.done + told.failed
    cause = explain(batch.pause_code, batch.pause_text)
    words = {"n": figure(ended), "total": figure(batch.total - told.skipped), "why": cause.title}
    n = told.untouched
    untouched = ngettext("%(n)s user is untouched.", "%(n)s users are untouched.", n)
    return Callout(
        title=_("Paused after %(n)s of %(total)s: %(why)s") % words,
        text=_why(min(told.failed, TRIAL_SIZE), is_first=batch.released_at is None),
        untouched=untouched % {"n": figure(n)},
        more=_("Resume tries %(n)s first. It goes on only when you say so.") % {"n": TRIAL_SIZE},
        advice=str(cause.advice),
    )


def _why(tried: int, *, is_first: bool) -> str:
    if is_first:
        return ngettext(
            "The first one failed, so the batch stopped itself.",
            "The first %(n)s failed for the same cause, so the batch stopped itself.",
            tried,
        ) % {"n": tried}
    text = _("%(n)s in a row failed for the same cause, so the batch stopped itself.")
    return text % {"n": BRAKE_AFTER}


def finish_of(told: Progress, now: datetime) -> str:
    """Say when it will be done and what limits it; "" when nothing is to come or known."""
    finish = told.finish
    if finish is None:
        return ""
    words = {"at": Clock.of_reader(now).short(finish.at), "why": _limit(finish, now)}
    if told.state == BatchState.PAUSED:
        text = _("If resumed now: done about %(at)s, %(why)s") % words
    else:
        text = _("Done about %(at)s, %(why)s") % words
    return f"{text} {_ahead(finish.ahead)}".strip()


def _limit(finish: Finish, now: datetime) -> str:
    if finish.limit == Limit.RATE:
        rate = figure(finish.per_minute)
        return _("limited by Webex: %(n)s requests a minute.") % {"n": rate}
    if finish.limit == Limit.ANSWERS:
        seconds = number_format(finish.seconds, decimal_pos=1)
        text = _("limited by how fast Webex answers: %(seconds)s s each, %(n)s at once.")
        return text % {"seconds": seconds, "n": figure(finish.in_flight)}
    if finish.limit == Limit.GRACE or finish.until is None:
        return _("because it begins only when it can no longer be undone.")
    at = Clock.of_reader(now).short(finish.until)
    return _("because Webex asks us to wait until %(at)s.") % {"at": at}


def _ahead(n: int) -> str:
    text = ngettext("%(n)s other action goes first.", "%(n)s other actions go first.", n)
    return text % {"n": figure(n)} if n else ""
