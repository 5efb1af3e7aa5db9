"""Asking the backend for one subscriber on demand: *Check now*."""

from __future__ import annotations

import logging
from enum import StrEnum

from accounts import secrets
from provisioning import selectors, shown_status, timing
from provisioning.backend import gate
from provisioning.backend.client import client_for
from provisioning.backend.limited_client import LimitedClient, OutOfTime
from provisioning.models import Subscriber
from provisioning.projection import merge
from provisioning.projection.merge import Answer
from webex.errors import Throttled, TokenRefused, WebexError

logger = logging.getLogger(__name__)

#: How long somebody who looks at the page waits for a turn at the gate.
PATIENCE_SECONDS = 2.0


class Refreshed(StrEnum):
    """What came of asking for one subscriber."""

    CURRENT = "current"
    GONE = "gone"
    BUSY = "busy"
    HELD = "held"
    TOKEN = "token"  # noqa: S105 -- the name of an outcome
    SILENT = "silent"


def refresh_one(row: Subscriber) -> Refreshed:
    """Ask the backend for this one subscriber, as *Check now* does.

    Nothing is asked while a job of the user is unfinished (it asks by itself), nor while the
    connection's gate is closed. A subscriber that the backend does not hold becomes deleted.
    """
    if row.deleted_at or not row.webex_id or selectors.unfinished_job_of(row):
        return Refreshed.BUSY
    try:
        return Refreshed.CURRENT if ask_for(row) else Refreshed.GONE
    except (gate.Closed, OutOfTime, Throttled):
        return Refreshed.HELD
    except (secrets.Unsealable, TokenRefused):
        return Refreshed.TOKEN
    except WebexError as error:
        logger.info("check now failed", extra={"reason": error.reason})
        return Refreshed.SILENT


def ask_for(row: Subscriber) -> bool:
    """Ask Webex for a subscriber that has an ID there, and bring in what it answers.

    Returns False when Webex holds none: the row is deleted then.

    Raises:
        gate.Closed, OutOfTime: nothing may be sent now, or not soon.
        secrets.Unsealable: the token cannot be read.
        WebexError: it gave no usable answer.
    """
    connection = row.connection
    asker = LimitedClient(connection, client_for(connection), seconds=PATIENCE_SECONDS)
    remote = asker.subscriber(row.webex_id or "")
    if remote is None:
        shown_status.mark_deleted(row, now=timing.now(), by="Webex", here=False)
        return False
    answer = Answer(remote, asker.asked_at, template=row.template)
    merge.apply_answer(connection, answer, now=timing.now())
    return True
