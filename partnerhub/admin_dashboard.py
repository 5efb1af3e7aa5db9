"""The top of the operations' start page: is it running, what stands still, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.models import BackendConnection, Health
from common.bidi import isolated
from common.templatetags.look import figure
from partnerhub.rehearsal import simulator_client, status_cache
from provisioning import selectors
from provisioning.models import Export, Job, Mail
from provisioning.states import UNFINISHED, ExportState, JobState, MailState

#: Longer without a sign than this, and a process is taken for dead.
SILENCE = timedelta(seconds=60)
#: A due job that waits longer says that no worker takes jobs.
SLOW = 60.0
#: A connection that was not synced for this long is behind.
STALE = timedelta(minutes=5)


@dataclass(frozen=True)
class Sign:
    """One line: what, how it is, where to look; `is_bad` = somebody must act."""

    what: str
    how: str
    address: str
    is_bad: bool = False


def signs(now: datetime) -> list[Sign]:
    """All lines, for now."""
    return [*_processes(now), *_jobs(now), *_failures(now), *_connections(now), *_rehearsal()]


def _processes(now: datetime) -> list[Sign]:
    seen = selectors.heartbeats()
    address = reverse("admin:provisioning_heartbeat_changelist")
    lines = []
    for name, words in (("worker", _("Worker")), ("beat", _("Beat"))):
        at = seen.get(name)
        how = _ago(at, now) if at else _("no sign yet")
        lines.append(Sign(words, how, address, at is None or now - at > SILENCE))
    return lines


def _jobs(now: datetime) -> list[Sign]:
    states = selectors.jobs_by_state()
    unfinished = sum(states.get(state.value, 0) for state in UNFINISHED)
    oldest = selectors.oldest_due_seconds(now)
    how = figure(unfinished)
    if oldest > SLOW:
        how += ", " + _("the oldest due for %(time)s") % {
            "time": timesince(_back(now, oldest), now)
        }
    lists = reverse("admin:provisioning_job_changelist")
    return [Sign(_("Unfinished jobs"), how, f"{lists}?{_in(UNFINISHED)}", oldest > SLOW)]


def _in(states: frozenset[JobState]) -> str:
    return "state__in=" + ",".join(sorted(states))


def _failures(now: datetime) -> list[Sign]:
    """What failed since this time yesterday."""
    day = now - timedelta(days=1)
    counted: list[tuple[str, str, str, Any]] = [
        (
            _("Jobs failed in 24 hours"),
            "job",
            JobState.FAILED,
            Job.objects.filter(state=JobState.FAILED, finished_at__gte=day),
        ),
        (
            _("Mails refused in 24 hours"),
            "mail",
            MailState.FAILED,
            Mail.objects.filter(state=MailState.FAILED, created_at__gte=day),
        ),
        (
            _("Exports failed in 24 hours"),
            "export",
            ExportState.FAILED,
            Export.objects.filter(state=ExportState.FAILED, created_at__gte=day),
        ),
    ]
    return [
        Sign(
            what,
            figure(count := rows.count()),
            reverse(f"admin:provisioning_{name}_changelist") + f"?state__exact={state}",
            # A failed job is a user's daily bread; a mail or an export that fails is ours.
            bool(count) and name != "job",
        )
        for what, name, state, rows in counted
    ]


def _connections(now: datetime) -> list[Sign]:
    return [_connection(connection, now) for connection in selectors.connections()]


def _connection(connection: BackendConnection, now: datetime) -> Sign:
    address = reverse("admin:accounts_backendconnection_change", args=[connection.pk])
    synced = connection.synced_at
    parts = [str(connection.get_health_display())]
    parts.append(
        _("synced %(ago)s") % {"ago": _ago(synced, now)} if synced else _("never synced yet")
    )
    closed = connection.not_before is not None and connection.not_before > now
    if closed:
        parts.append(_("gate closed"))
    stale = synced is None or now - synced > STALE
    troubled = connection.health in (Health.DEGRADED, Health.HELD)
    what = _("Webex of %(partner)s") % {"partner": isolated(connection.partner.name)}
    return Sign(what, ", ".join(parts), address, closed or stale or troubled)


def _rehearsal() -> list[Sign]:
    """Where one can rehearse; no bad sign, as the banner says what is staged."""
    if not simulator_client.is_configured():
        return []
    runs = status_cache.current()
    how = (runs.title or _("faults added by hand")) if runs else _("nothing runs")
    return [Sign(_("Rehearsal"), how, reverse("admin:rehearsal"))]


def _ago(at: datetime, now: datetime) -> str:
    seconds = max(int((now - at).total_seconds()), 0)
    if seconds < 120:
        return _("%(seconds)s s ago") % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(at, now)}


def _back(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=seconds)
