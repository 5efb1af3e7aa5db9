"""Writing the files of exports, whatever dies meanwhile, and their end.

What people do with exports is in services.py; how a file is written in files.py.
"""

from __future__ import annotations

import errno
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, InterfaceError, OperationalError
from django.db.models import Q, QuerySet
from psycopg2 import DatabaseError as PsycopgError
from psycopg2.errors import DiskFull

from accounts.rights import Right, may
from common import clock, session_locks
from provisioning import timing
from provisioning.exports import files, progress
from provisioning.exports.xlsx import TooManyRows
from provisioning.jobs import outbox
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.models import Export, Subscriber
from provisioning.states import UNFINISHED_EXPORTS, ExportState
from templates_app.models import OnboardingTemplate

logger = logging.getLogger(__name__)

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
NO_TEMPLATE = "PH-EXPORT-TEMPLATE"
TOO_LARGE = "PH-EXPORT-SIZE"
LOST = "PH-EXPORT-LOST"
BROKEN = "PH-EXPORT-ERROR"


def write(export_id: int) -> None:
    """Write one export's file; a second call while the first is at work does nothing."""
    with session_locks.held(progress.lock_name(export_id)) as is_alone:
        if is_alone and (export := _claim(export_id, clock.now())):
            _write(export)


def _claim(export_id: int, now: datetime) -> Export | None:
    """Take a queued export, or one whose writer died: whoever holds the lock is alone."""
    changed = Export.objects.filter(pk=export_id, state__in=UNFINISHED_EXPORTS).update(
        state=ExportState.WRITING,
        writing_at=now,
        rows=0,
        lease_until=now + timing.scaled(HINT_SECONDS),
    )
    if not changed:
        return None
    export: Export = Export.objects.select_related("owner", "partner").get(pk=export_id)
    return export


def _write(export: Export) -> None:
    if reason := _reason_against(export):
        _fail(export, reason)
        return
    try:
        users = users_of(export)
        _count(export, users)
        written = files.write(export, users, lambda rows: _change(export, rows=rows))
    except Error as error:
        logger.warning("export broke off", extra={"export_id": export.pk}, exc_info=True)
        _broke_off(export, error)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        logger.exception("export not written", extra={"export_id": export.pk})
        _fail(export, DISK_FULL if full else NO_FILE)
    except TooManyRows:
        _fail(export, TOO_LARGE)
    except Exception:
        logger.exception("export not written", extra={"export_id": export.pk})
        _fail(export, BROKEN)
    else:
        _finish(export, written)


def _reason_against(export: Export) -> str:
    """Why the file may not or cannot be written any more, as a code."""
    owner = export.owner
    if not may(owner, Right.SEE) or owner.partner_id != export.partner_id:
        return NO_RIGHT
    is_of_all = filter_of(export).template is None
    return "" if is_of_all or _templates_of(export).exists() else NO_TEMPLATE


def _templates_of(export: Export) -> QuerySet[OnboardingTemplate]:
    """The template that the filters name, or all of the partner's."""
    chosen = filter_of(export)
    found: Any = OnboardingTemplate.objects.filter(partner=export.partner_id).order_by()
    named: QuerySet[OnboardingTemplate] = found.filter(uuid=chosen.template)
    return named if chosen.template else found


def _count(export: Export, users: QuerySet[Subscriber]) -> None:
    """Count the users, where the click could not: a progress needs an end."""
    if export.total is None:
        with files.unhurried():
            total = users.order_by().count()
        _change(export, total=total)


def _change(export: Export, **fields: int) -> None:
    Export.objects.filter(pk=export.pk, state=ExportState.WRITING).update(**fields)


def _broke_off(export: Export, error: Error) -> None:
    """The database's trouble, not the export's: the sweep has it begun anew. Or it was cancelled.
    Where PostgreSQL itself has no room, or does not understand us, there is nothing to wait for.
    """
    cause = error.__cause__ or error
    if isinstance(cause, DiskFull):
        _fail(export, DISK_FULL)
    elif not (isinstance(error, (OperationalError, InterfaceError)) or _is_lost(cause)):
        _fail(export, BROKEN)


def _is_lost(cause: BaseException) -> bool:
    """The connection was lost in the midst of COPY, which psycopg2 knows no name for."""
    return type(cause) is PsycopgError and cause.pgcode is None


def filter_of(export: Export) -> UserFilter:
    """The filters and order that an export was asked for with."""
    return filters.parse(export.query)


def users_of(export: Export) -> QuerySet[Subscriber]:
    """The users that the screen shows by these filters, in its order, all pages; or the ticked."""
    chosen = filter_of(export)
    users: QuerySet[Subscriber] = Subscriber.objects.live().filter(partner_id=export.partner_id)
    if export.ticked is not None:
        users = users.filter(pk__in=export.ticked)
    else:
        templates = list(_templates_of(export).values_list("pk", flat=True))
        users = filters.narrow(users, chosen, templates).exclude(pk__in=export.left_out)
    return filters.ordered(users, chosen.sort)


def _finish(export: Export, written: files.Written) -> None:
    changed = Export.objects.filter(pk=export.pk, state=ExportState.WRITING).update(
        state=ExportState.READY,
        rows=written.rows,
        size=written.size,
        sha256=written.sha256,
        ready_at=clock.now(),
        lease_until=None,
        error="",
    )
    if not changed:  # given up meanwhile
        files.remove(export, written.sha256)


def _fail(export: Export, code: str) -> None:
    Export.objects.filter(pk=export.pk, state__in=UNFINISHED_EXPORTS).update(
        state=ExportState.FAILED, error=code, lease_until=None
    )


def lose(export: Export) -> None:
    """A finished file is not there any more, or not whole; what is left of it is tidied away."""
    if Export.objects.filter(pk=export.pk, state=ExportState.READY).update(
        state=ExportState.FAILED, error=LOST
    ):
        export.refresh_from_db(fields=["state", "error"])


# ---- Sweeping ----


def sweep(now: datetime) -> None:
    """Tell workers of exports that nobody writes; give up those that nobody ever finished."""
    waiting = Export.objects.filter(state__in=UNFINISHED_EXPORTS)
    waiting.filter(created_at__lte=now - GIVE_UP).update(
        state=ExportState.FAILED, error=TOO_LATE, lease_until=None
    )
    until = now + timing.scaled(HINT_SECONDS)
    free = waiting.filter(Q(lease_until=None) | Q(lease_until__lte=now))
    for export in free:
        if free.filter(pk=export.pk).update(lease_until=until):
            hint(export)
    # A cancellation that came between two statements of the writer stopped none of them.
    progress.stop_cancelled(now - GIVE_UP)


def hint(export: Export) -> None:
    """Tell a worker that this export is to be written."""
    outbox.publish("provisioning.export", export_id=export.pk)


def tidy(now: datetime) -> None:
    """Delete files past their time, and those that no export knows (of killed writers)."""
    over = Export.objects.filter(state=ExportState.READY, expires_at__lte=now)
    for export in over:
        files.remove(export)
        over.filter(pk=export.pk).update(state=ExportState.EXPIRED)
    ready = Export.objects.filter(state=ExportState.READY)
    files.remove_orphans(ready.only("uuid", "sha256", "format"), before=now - GIVE_UP)
