"""What the page of one user shows, read with a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from common.addresses import shown
from common.bidi import isolated
from provisioning import catalogue, selectors
from provisioning.catalogue import Explanation
from provisioning.kinds import KINDS
from provisioning.models import Job, StatusEvent, Subscriber
from provisioning.states import Status
from templates_app.models import OnboardingTemplate, Package
from userstatus.actions.registry import Offer, actions_for
from userstatus.jobs.job_line import JobLine
from userstatus.statuses import look_of_word
from userstatus.users.rows import Row, rows_of

EVENTS_SHOWN, JOBS_SHOWN, TWINS_SHOWN = 100, 10, 5


@dataclass(frozen=True)
class ProgressStep:
    """One stop of the line: address, confirmation, Webex, active."""

    name: str
    css: str


@dataclass(frozen=True)
class TimelineEvent:
    """One event of the timeline in words; `actor` comes first, in bold, or is "".

    `code` is an error code, `detail` a second, smaller line.
    """

    event: StatusEvent
    icon: str
    tone: str
    actor: str
    text: str
    detail: str = ""
    code: str = ""


@dataclass(frozen=True)
class UserPage:
    """One user with all that is known."""

    row: Row
    explanation: Explanation | None
    moments: list[TimelineEvent]
    jobs: list[JobLine]
    offers: list[Offer]
    twins: list[Subscriber]
    right_template: OnboardingTemplate | None

    @property
    def stops(self) -> list[ProgressStep]:
        """The line at full length; empty for a status that has no place on it."""
        names = [_("Address"), _("Confirmation"), "Webex", _("Active")]
        look = self.row.look
        if self.row.user.status == Status.PROVISIONED:
            return [ProgressStep(name, "done") for name in names]
        classes = look.stops
        tone = f"here tone-{look.tone}"
        return [
            ProgressStep(name, tone if css == "here" else css)
            for name, css in zip(names, classes, strict=False)
        ]


def page_of(user: Subscriber, reader: User, now: datetime) -> UserPage:
    """Everything about one user."""
    row = rows_of([user], now=now)[0]
    has_error = bool(user.error_code or user.error_text)
    explanation = catalogue.explain(user.error_code, user.error_text) if has_error else None
    is_template = explanation is not None and explanation.template_fault
    return UserPage(
        row=row,
        explanation=explanation,
        moments=[moment_of(event) for event in _events(user)],
        jobs=[JobLine(job, reader) for job in _jobs(user)],
        offers=actions_for(reader, user, row.job),
        twins=_twins(user),
        right_template=selectors.template_of_colleagues(user) if is_template else None,
    )


def _events(user: Subscriber) -> list[StatusEvent]:
    events = StatusEvent.objects.filter(subscriber=user).select_related("job")
    return list(events.order_by("-at", "-id")[:EVENTS_SHOWN])


def _jobs(user: Subscriber) -> list[Job]:
    jobs = Job.objects.filter(subscriber=user).select_related("template", "subscriber")
    return list(jobs.order_by("-created_at", "-pk")[:JOBS_SHOWN])


def _twins(user: Subscriber) -> list[Subscriber]:
    same = Subscriber.objects.called(user.broadworks_id).filter(partner_id=user.partner_id)
    return list(same.exclude(pk=user.pk).select_related("template")[:TWINS_SHOWN])


def moment_of(event: StatusEvent) -> TimelineEvent:
    """An event in words."""
    teller = _DESCRIBERS.get(event.what, _other)
    return teller(event)


def _requested(event: StatusEvent) -> TimelineEvent:
    kind = KINDS.get(event.text)
    if kind is None:
        return TimelineEvent(event, "user", "note", event.actor_label, event.text)
    text = str(kind.asked) % {"what": isolated(shown(_package(event.after)))}
    return TimelineEvent(event, kind.icon, "note", event.actor_label, text)


def _arrived(event: StatusEvent) -> TimelineEvent:
    look = look_of_word(event.after)
    return TimelineEvent(
        event, look.icon, look.tone, "", _("Arrived from BroadWorks"), _word(event.after)
    )


def _status(event: StatusEvent) -> TimelineEvent:
    look = look_of_word(event.after)
    change = f"{_word(event.before)} → {_word(event.after)}" if event.before else ""
    if event.error_code or event.text:
        return _failed(event, change)
    text = _word(event.after)
    return TimelineEvent(event, look.icon, look.tone, "", text, change if change != text else "")


def _failed(event: StatusEvent, change: str = "") -> TimelineEvent:
    title = str(catalogue.explain(event.error_code, event.text).title)
    same = event.before == event.after
    return TimelineEvent(event, "error", "bad", "", title, "" if same else change, event.error_code)


def _package_changed(event: StatusEvent) -> TimelineEvent:
    change = f"{_package(event.before)} → {_package(event.after)}"
    return TimelineEvent(event, "package", "note", "", _("Package type changed"), change)


def _deleted(event: StatusEvent) -> TimelineEvent:
    return TimelineEvent(event, "trash", "note", event.actor_label, _("deleted the user"))


def _restored(event: StatusEvent) -> TimelineEvent:
    look = look_of_word(event.after)
    text = _("Is held by Webex again")
    return TimelineEvent(event, look.icon, look.tone, "", text, _word(event.after))


def _other(event: StatusEvent) -> TimelineEvent:
    return TimelineEvent(event, "info", "note", event.actor_label, event.what, event.text)


_DESCRIBERS = {
    "requested": _requested,
    "arrived": _arrived,
    "status": _status,
    "error": _failed,
    "package": _package_changed,
    "deleted": _deleted,
    "restored": _restored,
}


def _word(status: str) -> str:
    return str(dict(Status.choices).get(status, status))


def _package(package: str) -> str:
    return str(dict(Package.choices).get(package, package))
