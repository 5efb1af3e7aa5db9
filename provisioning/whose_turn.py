"""Whose turn it is: one sentence per user, the same wherever it is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from common.bidi import isolated
from common.times import Clock
from provisioning import catalogue
from provisioning.catalogue import Actor
from provisioning.kinds import kind_of
from provisioning.models import Job, Subscriber
from provisioning.states import UNSETTLED, JobState, Status

#: What the user of a status waits for.
_PATTERNS: dict[str, Any] = {
    Status.WAITING_ADDRESS: gettext_lazy("Waiting for {name} to open the activation link"),
    Status.WAITING_CONFIRMATION: gettext_lazy("Waiting for {name} to open the confirmation mail"),
    Status.WAITING_CONSENT: gettext_lazy(
        "Waiting for {name} to agree that Webex moves the account"
    ),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One sentence with the one who must act in it.

    Attributes:
        actor: whose turn it is; None when it is nobody's (the user is active or deleted).
        before, name, after: the sentence in three parts, so that the name can be set apart.
    """

    actor: Actor | None = None
    before: str = ""
    name: str = ""
    after: str = ""

    @property
    def sentence(self) -> str:
        """The whole sentence, "" when it is nobody's turn."""
        return f"{self.before}{isolated(self.name)}{self.after}"

    def __bool__(self) -> bool:
        return bool(self.sentence)


def turn_of(subscriber: Subscriber, *, job: Job | None = None, now: datetime) -> Turn:
    """Say whose turn it is; `job` is the user's unfinished job, if there is one.

    An unfinished job comes first (nobody can do anything meanwhile), then what Webex is doing,
    then the shown error, then whom the user's status waits for.
    """
    if subscriber.deleted_at:
        return Turn()
    if job is not None:
        return _of_job(job, now)
    if subscriber.status in UNSETTLED:
        return _turn(Actor.WEBEX, "Webex", _("{name} is working, usually under a minute"))
    if subscriber.error_code or subscriber.error_text or subscriber.status == Status.ERROR:
        text = "" if catalogue.is_known(subscriber.error_code) else subscriber.error_text
        return _of_error(subscriber.error_code, text, get_language())
    return _of_status(subscriber)


def seconds_to_undo(job: Job, now: datetime) -> int:
    """How long a delete can still be undone, in begun seconds; 0 when it cannot."""
    if job.undo_until is None or not job.can_be_undone(now):
        return 0
    return math.ceil((job.undo_until - now).total_seconds())


def why_busy(job: Job | None, now: datetime) -> str:
    """Why another action on the user must wait for this unfinished one, known or not."""
    if job is not None and (seconds := seconds_to_undo(job, now)):
        text = _("Is about to be deleted by %(who)s, in %(seconds)s s. Undo that first.")
        return text % {"who": isolated(job.requested_label), "seconds": seconds}
    return _("Another action on this user has not ended yet. Wait until it has.")


def _of_job(job: Job, now: datetime) -> Turn:
    if job.can_be_undone(now):
        return _turn(Actor.ADMINISTRATOR, job.requested_label, _("{name} asked for the deletion"))
    if job.state == JobState.WAITING:
        return _turn(Actor.WEBEX, "Webex", _("{name} is working, usually under a minute"))
    at = Clock.of_reader(now).short(job.not_before)
    return _turn(Actor.OPERATIONS, "Partner Hub", _ours(job, now), time=at)


def _ours(job: Job, now: datetime) -> str:
    """What we do about a job that Webex is not at work on."""
    if job.state == JobState.CHECKING:
        return _("{name} asks Webex what became of the request")
    if job.state == JobState.SENDING:
        return _("{name} is sending the request to Webex")
    if job.held:
        return _("{name} waits for its batch")
    if job.not_before > now:
        return _("{name} sends again at {time}")
    return str(kind_of(job.kind).about_to)


@lru_cache(maxsize=512)
def _of_error(code: str, text: str, language: str | None) -> Turn:
    """Whose turn an error makes it; `language` is the active one."""
    line = catalogue.explain(code, text)
    pattern = pgettext("whose turn: what to do", "{name}: {what}")
    return _turn(line.actor, str(line.actor.label), pattern.replace("{what}", str(line.turn)))


def _of_status(subscriber: Subscriber) -> Turn:
    if pattern := _PATTERNS.get(subscriber.status):
        who = subscriber.first_name or subscriber.last_name or subscriber.broadworks_id
        return _turn(Actor.USER, who, str(pattern))
    if subscriber.status == Status.PROVISIONED:
        return Turn()
    return _turn(Actor.WEBEX, "Webex", _("{name} uses a status that is new to us"))


def _turn(actor: Actor, name: str, pattern: str, time: str = "") -> Turn:
    before, _sign, after = pattern.replace("{time}", time).partition("{name}")
    return Turn(actor, before, name, after)
