"""Exports: accepting them, having them written whatever dies meanwhile, and their end."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import IO

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from accounts.models import Partner
from accounts.rights import Right, may
from provisioning import export_files, filtering, outbox, timing
from provisioning.models import Export, Subscriber
from provisioning.states import ExportState
from templates_app.models import OnboardingTemplate

logger = logging.getLogger(__name__)

UNFINISHED = (ExportState.QUEUED, ExportState.WRITING)
KEPT = timedelta(hours=24)
#: Running at once (reliability.md S26).
PER_USER, PER_PARTNER = 1, 3
#: Nobody took it, or whoever did died, for this many seconds: a worker is told again.
HINT_SECONDS = 10.0
#: Longer than three runs up to Celery's hard limit (900 s): an export that kills its worker
#: again and again ends here.
GIVE_UP = timedelta(hours=1)

# Why an export failed: codes of our own, kept in Export.error.
DISK_FULL = "PH-EXPORT-DISK"
NO_FILE = "PH-EXPORT-FILE"
TOO_LATE = "PH-EXPORT-LATE"
NO_RIGHT = "PH-EXPORT-RIGHT"
BROKEN = "PH-EXPORT-ERROR"


class ExportRefused(Exception):
    """No export can be started now; the message is for the person who asked.

    Attributes:
        code: stable and short, for tests and support.
        running: the person's own running export, if that is the reason.
    """

    def __init__(self, code: str, message: str, *, running: Export | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.running = code, message, running


def start(
    *, actor: Actor, template: OnboardingTemplate | None, query: str, now: datetime
) -> Export:
    """Queue an export of a template's users, or of all the partner's when there is none.

    `query` holds the screen's filters and order, as its address has them; of it is kept what the
    screen understands. The same person asking for the same twice (double click) gets the export
    that is running.

    Raises:
        ExportRefused: another one is running, or too many are.
        PermissionDenied: the actor may not see these users.
    """
    user = actor.user
    if user is None or not may(user, Right.SEE) or user.partner is None:
        raise PermissionDenied
    if template and template.partner_id != user.partner_id:
        raise PermissionDenied
    with transaction.atomic():
        partner = Partner.objects.select_for_update(no_key=True).get(pk=user.partner.pk)
        export = Export(
            partner=partner,
            owner=user,
            template=template,
            query=_kept(query, template),
            file_name=_file_name(template, partner, now),
            lease_until=now + timing.scaled(HINT_SECONDS),
            created_at=now,
            expires_at=now + KEPT,
        )
        if running := _running(export):
            return running
        export.save(force_insert=True)
        after = {"template": template.name if template else "", "query": export.query}
        audit.record(actor, "export.start", export, partner=partner, after=after)
        transaction.on_commit(lambda: _hint(export), robust=True)
    return export


def _kept(query: str, template: OnboardingTemplate | None) -> str:
    """The filters as one query string that says it all, also which template."""
    chosen = filtering.parse(query)
    return (replace(chosen, template=template.uuid) if template else chosen).query()


def _running(export: Export) -> Export | None:
    """The same person's same export, still running; refuses when the limits are reached."""
    unfinished = Export.objects.filter(partner=export.partner, state__in=UNFINISHED)
    own = unfinished.filter(owner=export.owner).order_by("created_at")
    same: Export | None = own.filter(template=export.template, query=export.query).first()
    if same:
        return same
    if own.count() >= PER_USER:
        message = _("Another export of yours is being written. Start this one when it is ready.")
        raise ExportRefused("own_running", message, running=own.first())
    if unfinished.count() >= PER_PARTNER:
        message = _(
            "Your colleagues have %(count)s exports running, which is as many as run at once. "
            "Try again in a minute."
        )
        raise ExportRefused("too_many", message % {"count": PER_PARTNER})
    return None


def _file_name(template: OnboardingTemplate | None, partner: Partner, now: datetime) -> str:
    """A name of plain letters; day of the order, in our time zone."""
    letters = str.maketrans({"æ": "ae", "ø": "o", "å": "aa", "Æ": "ae", "Ø": "o", "Å": "aa"})
    of_what = slugify((template.name if template else partner.name).translate(letters))
    return f"user-status-{of_what or 'export'}-{timezone.localdate(now):%Y-%m-%d}.csv"


# ---- Writing ----


def write(export_id: int) -> None:
    """Write one export's file; a second call while the first is at work does nothing."""
    with _alone(export_id) as alone:
        if alone and (export := _claim(export_id, timezone.now())):
            _write(export)


@contextmanager
def _alone(export_id: int) -> Iterator[bool]:
    """A session lock: one writer an export, freed when its process or its connection dies."""
    key = _lock_name(export_id)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken and database.is_usable():
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _lock_name(export_id: int) -> str:
    return f"export:{export_id}"


def _claim(export_id: int, now: datetime) -> Export | None:
    """Take a queued export, or one whose writer died: whoever holds the lock is alone."""
    changed = Export.objects.filter(pk=export_id, state__in=UNFINISHED).update(
        state=ExportState.WRITING, lease_until=now + timing.scaled(HINT_SECONDS)
    )
    if not changed:
        return None
    export: Export = Export.objects.select_related("owner", "partner").get(pk=export_id)
    return export


def _write(export: Export) -> None:
    owner = export.owner
    if not may(owner, Right.SEE) or owner.partner_id != export.partner_id:
        _fail(export, NO_RIGHT)
        return
    try:
        written = export_files.write(export, users_of(export))
    except (OperationalError, InterfaceError) as error:
        # The database's trouble, not the export's: the sweep has it begun anew.
        extra = {"export_id": export.pk, "reason": type(error).__name__}
        logger.warning("export broke off", extra=extra)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        logger.exception("export not written", extra={"export_id": export.pk})
        _fail(export, DISK_FULL if full else NO_FILE)
    except Exception:
        logger.exception("export not written", extra={"export_id": export.pk})
        _fail(export, BROKEN)
    else:
        _finish(export, written)


def users_of(export: Export) -> QuerySet[Subscriber]:
    """The users that the screen shows by these filters, in its order, all pages."""
    chosen = filtering.parse(export.query)
    users = Subscriber.objects.live().filter(partner_id=export.partner_id)
    return filtering.ordered(filtering.narrow(users, chosen), chosen.sort)


def _finish(export: Export, written: export_files.Written) -> None:
    changed = Export.objects.filter(pk=export.pk, state=ExportState.WRITING).update(
        state=ExportState.READY,
        rows=written.rows,
        size=written.size,
        sha256=written.sha256,
        ready_at=timezone.now(),
        lease_until=None,
        error="",
    )
    if not changed:  # given up meanwhile
        export_files.remove(export, written.sha256)


def _fail(export: Export, code: str) -> None:
    Export.objects.filter(pk=export.pk, state__in=UNFINISHED).update(
        state=ExportState.FAILED, error=code, lease_until=None
    )


# ---- Sweeping ----


def sweep(now: datetime) -> None:
    """Tell workers of exports that nobody writes; give up those that nobody ever finished."""
    waiting = Export.objects.filter(state__in=UNFINISHED)
    waiting.filter(created_at__lte=now - GIVE_UP).update(
        state=ExportState.FAILED, error=TOO_LATE, lease_until=None
    )
    until = now + timing.scaled(HINT_SECONDS)
    free = waiting.filter(Q(lease_until=None) | Q(lease_until__lte=now))
    for export in free:
        if free.filter(pk=export.pk).update(lease_until=until):
            _hint(export)


def _hint(export: Export) -> None:
    outbox.publish("provisioning.export", export_id=export.pk)


def tidy(now: datetime) -> None:
    """Delete files past their time, and those that no export knows (of killed writers)."""
    over = Export.objects.filter(state=ExportState.READY, expires_at__lte=now)
    for export in over:
        export_files.remove(export)
        over.filter(pk=export.pk).update(state=ExportState.EXPIRED)
    ready = Export.objects.filter(state=ExportState.READY)
    export_files.remove_orphans(ready.only("uuid", "sha256"), before=now - GIVE_UP)


# ---- Reading ----


def is_over(export: Export, now: datetime) -> bool:
    """True when the file was deleted, or is about to be, because its time is over."""
    if export.state == ExportState.READY:
        return export.expires_at <= now
    return export.state == ExportState.EXPIRED


def rows_so_far(export: Export) -> int:
    """How many users are written already: PostgreSQL tells of the COPY whose writer holds the
    lock of this export; 0 when there is none.
    """
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT p.tuples_processed FROM pg_stat_progress_copy p JOIN pg_locks l USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
            " AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(%s, 0)",
            [_lock_name(export.pk)],
        )
        found = cursor.fetchone()
    return found[0] if found else 0


def download(export: Export, *, actor: Actor, now: datetime) -> IO[bytes] | None:
    """Open the file for its owner and write the download into the audit log.

    None when there is no file to give: not ready, past its time, or gone from the disk.

    Raises:
        PermissionDenied: the export is somebody else's, or its owner may no longer see it.
    """
    user = actor.user
    if user is None or export.owner_id != user.pk or export.partner_id != user.partner_id:
        raise PermissionDenied
    if not may(user, Right.SEE):
        raise PermissionDenied
    if export.state != ExportState.READY or is_over(export, now):
        return None
    try:
        file = export_files.path_of(export).open("rb")
    except FileNotFoundError:
        logger.warning("export file is gone", extra={"export_id": export.pk})
        return None
    after = {"rows": export.rows, "sha256": export.sha256}
    audit.record(actor, "export.download", export, partner=export.partner, after=after)
    return file
