"""How the connection to Webex does, in one line, and how fresh the rows are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import BackendConnection, Health

#: The sync is due every half minute; after this it is late, and after ten it has stopped.
LATE_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class ConnectionLine:
    """A sentence on the connection.

    Attributes:
        tone: good, note, wait or bad.
        text: the sentence.
        since: the time that ends the sentence, or None.
        advice: who should do what, or "".
    """

    tone: str
    text: str
    since: datetime | None = None
    advice: str = ""


def line_of(connection: BackendConnection | None, now: datetime) -> ConnectionLine:
    """Say how Webex answers this partner."""
    if connection is None:
        return ConnectionLine(
            "wait", _("Not connected to Webex yet"), advice=_("Ask operations to set it up.")
        )
    if connection.health == Health.UNKNOWN:
        return ConnectionLine("note", _("Webex was not asked yet"))
    if connection.health == Health.HELD:
        text = _("Webex refuses our token")
        advice = _("Operations must renew the token; until then nothing is sent.")
        return ConnectionLine("bad", text, connection.health_at, advice)
    if connection.health != Health.OK:
        text = _("Webex cannot be reached; last answer")
        advice = _("Actions are kept and sent as soon as Webex answers.")
        return ConnectionLine("bad", text, connection.synced_at or connection.health_at, advice)
    return _working(connection, now)


def _working(connection: BackendConnection, now: datetime) -> ConnectionLine:
    if connection.synced_at is None or now - connection.synced_at > LATE_AFTER:
        advice = _("Is a worker running? Operations see it on the health page.")
        return ConnectionLine("wait", _("Last synced"), connection.synced_at, advice)
    return ConnectionLine("good", _answers_in(connection.answer_ms or 0))


def _answers_in(ms: int) -> str:
    if ms < 1000:
        return _("Webex answers in %(ms)s ms") % {"ms": max(ms, 1)}
    seconds = number_format(ms / 1000, decimal_pos=1)
    return _("Webex answers in %(seconds)s s") % {"seconds": seconds}


#: Beyond the first the rows are old; beyond the second nobody is syncing any more.
OLD_AFTER, STOPPED_AFTER = timedelta(minutes=2), timedelta(minutes=10)


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
    if age > STOPPED_AFTER:
        return SyncAge(_("Sync stopped %(age)s ago") % {"age": _age(age)}, "bad")
    tone = "wait" if age > OLD_AFTER else "good"
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
