"""Exports: accepting, cancelling and handing them out; who writes them is writer.py."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import IO

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from accounts.models import Partner
from accounts.rights import Right, may
from common import clock
from provisioning.exports import files, progress, writer
from provisioning.exports.request import (
    EVERYBODY,
    Choice,
    ExportRefused,
    order_of,
    refuse_too_many_rows,
)
from provisioning.exports.writer import sweep as sweep
from provisioning.exports.writer import tidy as tidy
from provisioning.exports.writer import write as write
from provisioning.lists.filters import UserFilter
from provisioning.models import Export
from provisioning.states import UNFINISHED_EXPORTS, ExportState
from templates_app.models import OnboardingTemplate

logger = logging.getLogger(__name__)

#: Running at once (reliability.md S26).
PER_USER, PER_PARTNER = 1, 3


def start(
    *,
    actor: Actor,
    template: OnboardingTemplate | None,
    chosen: UserFilter,
    now: datetime,
    choice: Choice = EVERYBODY,
) -> Export:
    """Queue an export of a template's users, or of all the partner's when there is none.

    `chosen` are the screen's filters and order; of the choice's ids are kept those of users whom
    the actor sees here. The same person asking for the same twice (double click) gets the export
    that is running.

    Raises:
        ExportRefused: another one is running, too many are, or there are too many users.
        PermissionDenied: the actor may not see these users.
    """
    user = actor.user
    if user is None or not may(user, Right.SEE) or user.partner is None:
        raise PermissionDenied
    if template and template.partner_id != user.partner_id:
        raise PermissionDenied
    export = order_of(user.partner, user, template, chosen, choice, now)
    refuse_too_many_rows(export)
    with transaction.atomic():  # users were counted before: colleagues wait for the lock
        partner = Partner.objects.select_for_update(no_key=True).get(pk=user.partner.pk)
        if running := _running(export):
            return running
        export.save(force_insert=True)
        audit.record(actor, "export.start", export, partner=partner, after=_asked(export))
        transaction.on_commit(lambda: writer.hint(export), robust=True)
    return export


def _asked(export: Export) -> dict[str, str | int]:
    """What was asked for, for the audit log."""
    asked: dict[str, str | int] = {
        "template": export.template.name if export.template else "",
        "query": export.query,
        "format": export.format,
    }
    if export.ticked is not None:
        asked["ticked"] = len(export.ticked)
    if export.left_out:
        asked["left_out"] = len(export.left_out)
    return asked


def _running(export: Export) -> Export | None:
    """The same person's same export, still running; refuses when the limits are reached."""
    unfinished = Export.objects.filter(partner=export.partner, state__in=UNFINISHED_EXPORTS)
    own = unfinished.filter(owner=export.owner).order_by("created_at")
    same: Export | None = own.filter(
        **{name: getattr(export, name) for name in ("template", "query", "format")},
        **{name: getattr(export, name) for name in ("ticked", "left_out")},
    ).first()
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


# ---- Cancelling ----


def cancel(export: Export, *, actor: Actor) -> bool:
    """End an export that its owner does not want any more; no file stays.

    False when it had ended already. The writer's COPY is ended at once, or by the sweep when it
    was between two statements; what it had written is deleted by itself.

    Raises:
        PermissionDenied: the export is somebody else's.
    """
    if not _is_own(export, actor):
        raise PermissionDenied
    with transaction.atomic():
        changed = Export.objects.filter(pk=export.pk, state__in=UNFINISHED_EXPORTS).update(
            state=ExportState.CANCELLED, lease_until=None
        )
        if not changed:
            return False
        after = {"rows": progress.rows_so_far(export)}
        audit.record(actor, "export.cancel", export, partner=export.partner, after=after)
        since = clock.now() - writer.GIVE_UP
        transaction.on_commit(lambda: progress.stop_cancelled(since), robust=True)
    return True


def _is_own(export: Export, actor: Actor) -> bool:
    user = actor.user
    if user is None or export.owner_id != user.pk or export.partner_id != user.partner_id:
        return False
    return may(user, Right.SEE)


# ---- Reading ----


def is_over(export: Export, now: datetime) -> bool:
    """True when the file was deleted, or is about to be, because its time is over."""
    if export.state == ExportState.READY:
        return export.expires_at <= now
    return export.state == ExportState.EXPIRED


def download(
    export: Export, *, actor: Actor, now: datetime, is_taken: bool = True
) -> IO[bytes] | None:
    """Open the file for its owner and write the download into the audit log, if it `is_taken`.

    None when there is no file to give: not ready, past its time, or gone from the disk, wholly or
    in part. Then the export has failed, which its page says from now on.

    Raises:
        PermissionDenied: the export is somebody else's, or its owner may no longer see it.
    """
    if not _is_own(export, actor):
        raise PermissionDenied
    if export.state != ExportState.READY or is_over(export, now):
        return None
    try:
        file = files.open_whole(export)
    except OSError as error:
        reason = type(error).__name__
        logger.warning("export file is gone", extra={"export_id": export.pk, "reason": reason})
        writer.lose(export)
        return None
    after = {"rows": export.rows, "sha256": export.sha256}
    if is_taken:
        audit.record(actor, "export.download", export, partner=export.partner, after=after)
    return file
