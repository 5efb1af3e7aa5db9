"""Asking the backend for one subscriber on demand: *Check now*."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts import secrets
from provisioning import projection, selectors, shown
from provisioning.backend import client_for
from provisioning.models import Subscriber
from provisioning.projection import Answer
from webex.errors import NotFound, TokenRefused, WebexError

logger = logging.getLogger(__name__)


class Refreshed(StrEnum):
    """What came of asking for one subscriber."""

    CURRENT = "current"
    GONE = "gone"
    BUSY = "busy"
    HELD = "held"
    TOKEN = "token"  # noqa: S105 -- the name of an outcome
    SILENT = "silent"


def refresh_one(row: Subscriber, *, now: datetime) -> Refreshed:
    """Ask the backend for this one subscriber, as *Check now* does.

    Nothing is asked while a job of the user is unfinished (it asks by itself), nor while the
    connection's gate is closed. A subscriber that the backend does not hold becomes deleted.
    """
    connection = row.connection
    if row.deleted_at or not row.webex_id or selectors.unfinished_job_of(row):
        return Refreshed.BUSY
    if connection.not_before and connection.not_before > now:
        return Refreshed.HELD
    try:
        remote = client_for(connection).get_subscriber(row.webex_id)
    except NotFound:
        shown.mark_deleted(row, now=timezone.now(), by="Webex", here=False)
        return Refreshed.GONE
    except (secrets.Unsealable, TokenRefused):
        return Refreshed.TOKEN
    except WebexError as error:
        logger.info("check now failed", extra={"reason": error.reason})
        return Refreshed.SILENT
    answer = Answer(remote, now, template=row.template)
    projection.apply_answer(connection, answer, now=timezone.now())
    return Refreshed.CURRENT
