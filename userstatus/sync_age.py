"""How fresh the rows are, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts.models import BackendConnection, Health

#: Beyond the first the rows are old; beyond the second nobody is syncing any more.
OLD, STOPPED = timedelta(minutes=2), timedelta(minutes=10)


@dataclass(frozen=True)
class SyncAge:
    """Words and tone: good, wait (old) or bad (stopped)."""

    words: str
    tone: str


def sync_age(connection: BackendConnection | None, now: datetime) -> SyncAge:
    """Say when everything Webex knows was last here."""
    if connection is None:
        return SyncAge(_("No connection to Webex is set up"), "bad")
    if connection.health == Health.HELD:
        return SyncAge(_("Sync stopped: Webex refuses the token"), "bad")
    if connection.synced_at is None:
        return SyncAge(_("Not synced yet"), "wait")
    age = max(now - connection.synced_at, timedelta(0))
    if age > STOPPED:
        return SyncAge(_("Sync stopped %(age)s ago") % {"age": _age(age)}, "bad")
    tone = "wait" if age > OLD else "good"
    return SyncAge(_("Synced %(age)s ago") % {"age": _age(age)}, tone)


def _age(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 60:
        return _("%(n)s s") % {"n": seconds}
    if seconds < 3600:
        return _("%(n)s min") % {"n": seconds // 60}
    if seconds < 2 * 86400:
        return _("%(n)s h") % {"n": seconds // 3600}
    return _("%(n)s days") % {"n": seconds // 86400}
