"""What needs attention for a partner, most urgent first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent, User, connection_of
from provisioning.catalogue import Explanation, explain
from provisioning.kinds import KINDS
from provisioning.lists import longest_waiting as waits
from provisioning.models import Subscriber
from provisioning.states import PENDING, Status
from templates_app.readiness import BAD
from userstatus import counts
from userstatus.connection_texts import ConnectionLine, line_of
from userstatus.jobs import job_list
from userstatus.jobs.batch_line import BatchLine
from userstatus.jobs.job_list import Line
from userstatus.onboarding import reads as template_reads
from userstatus.onboarding.reads import Summary, TemplateLine

#: Failed jobs and audit events of so long ago still count as "lately".
RECENT = timedelta(hours=24)
WAITING_SHOWN, JOBS_SHOWN, EVENTS_SHOWN, CAUSES_SHOWN = 5, 5, 8, 12
#: The order of DESIGN section 6, for links.
WAITING = [status for status in Status.values if status in PENDING]


@dataclass(frozen=True)
class Cause:
    """One error code with its words, counts and the links that open exactly those users."""

    count: counts.CauseCount
    explanation: Explanation

    @property
    def failed_url(self) -> str:
        return users_url(error=self.count.error_key, status=[Status.ERROR])

    @property
    def waiting_url(self) -> str:
        return users_url(error=self.count.error_key, status=WAITING)


@dataclass(frozen=True)
class AuditLine:
    """One audit event in words, with a link to what it was done to."""

    event: AuditEvent
    words: str
    icon: str
    url: str


@dataclass(frozen=True)
class Attention:
    """All that the overview shows."""

    lines: list[TemplateLine]
    connection: ConnectionLine
    causes: list[Cause]
    longest_waiting: list[Subscriber]
    failed_jobs: list[Line]
    failed_job_count: int
    paused: list[BatchLine]
    lately: list[AuditLine]

    @property
    def errors(self) -> int:
        return sum(line.errors for line in self.lines)

    @property
    def failing_templates(self) -> int:
        return sum(1 for line in self.lines if line.errors)

    @property
    def must_act(self) -> int:
        return sum(line.statuses[status] for line in self.lines for status in WAITING)

    @property
    def provisioned(self) -> int:
        return sum(line.statuses[Status.PROVISIONED] for line in self.lines)

    @property
    def users(self) -> int:
        return sum(line.users for line in self.lines)

    @property
    def red(self) -> list[TemplateLine]:
        """Templates in which something stops users."""
        return [line for line in self.lines if line.worst and line.worst.tone == BAD]

    @property
    def has_connection_trouble(self) -> bool:
        return self.connection.tone in {"bad", "wait"}

    @property
    def has_start(self) -> bool:
        """There is something to mend before any user can be helped."""
        return bool(self.red or self.paused) or self.has_connection_trouble

    @property
    def is_all_well(self) -> bool:
        troubles = (self.errors, self.must_act, self.causes, self.failed_job_count)
        return bool(self.users) and not any(troubles) and not self.has_start


def attention(user: User, now: datetime) -> Attention:
    """Everything for one partner; the number of queries does not grow with its users."""
    connection = connection_of(user)
    summary = template_reads.summary(user)
    failed, failed_count = job_list.failed_since(user, now - RECENT, now, JOBS_SHOWN)
    return Attention(
        lines=summary.lines,
        connection=line_of(connection, now),
        causes=_causes(summary),
        longest_waiting=waits.longest_waiting(summary.ids, WAITING_SHOWN),
        failed_jobs=failed,
        failed_job_count=failed_count,
        paused=job_list.paused(user, now, JOBS_SHOWN),
        lately=[_happened(event) for event in _events(user)],
    )


def users_url(**filters: Any) -> str:
    """The list of all the partner's users with these filters."""
    return f"{reverse('userstatus:all_users')}?{urlencode(filters, doseq=True)}"


def _causes(summary: Summary) -> list[Cause]:
    shown = counts.causes(summary.tallies)[:CAUSES_SHOWN]
    oldest = waits.oldest_of(summary.ids, [count.error_key for count in shown])
    dated = [replace(count, oldest=oldest.get(count.error_key)) for count in shown]
    return [Cause(count, explain(count.code)) for count in dated]


def _events(user: User) -> list[AuditEvent]:
    events = AuditEvent.objects.visible_to(user).exclude(actor=None)
    return list(events.order_by("-at", "-id")[:EVENTS_SHOWN])


#: Action of the audit log → words after the person's name, icon; actions on users: _of_kind.
ACTIONS: dict[str, tuple[Any, str]] = {
    "job.cancel": (_("cancelled the job"), "stop"),
    "job.retry": (_("repeated the job"), "retry"),
    "job.undo": (_("undid the job"), "undo"),
    "batch.resume": (_("resumed the batch"), "play"),
    "batch.cancel": (_("cancelled the batch"), "stop"),
    "batch.undo": (_("undid the batch"), "undo"),
    "template.create": (_("created the template"), "plus"),
    "template.change": (_("changed the template"), "edit"),
    "template.mend": (_("mended the share link of"), "link"),
    "export.start": (_("exported"), "export"),
    "export.cancel": (_("cancelled the export"), "stop"),
    "export.download": (_("downloaded the export"), "export"),
    "person.add": (_("added the administrator"), "user"),
    "person.change": (_("changed the account of"), "user"),
    "person.deactivate": (_("closed the account of"), "lock"),
    "person.reactivate": (_("opened the account of"), "user"),
    "person.send_link": (_("sent a password link to"), "mail"),
}
_PAGES = {
    "subscriber": "userstatus:user",
    "job": "userstatus:job",
    "jobbatch": "userstatus:job",
    "onboardingtemplate": "userstatus:template",
}


def _happened(event: AuditEvent) -> AuditLine:
    words, icon = _of_kind(event.action) or ACTIONS.get(event.action, (event.action, "info"))
    page = _PAGES.get(event.object_type)
    url = reverse(page, args=[event.object_id]) if page else ""
    return AuditLine(event, str(words), icon, url)


def _of_kind(action: str) -> tuple[Any, str] | None:
    """Words and icon of an action on one user or on many, by its kind."""
    on_what, _dot, name = action.partition(".")
    kind = KINDS.get(name)
    if kind is None or on_what not in ("subscriber", "batch"):
        return None
    return (kind.logged if on_what == "subscriber" else _("started the batch")), kind.icon
