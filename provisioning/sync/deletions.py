"""Finding who is gone: rows that a complete listing did not show, each asked for by its ID."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection as database

from provisioning import selectors, shown_status, timing
from provisioning.backend.limited_client import LimitedClient
from provisioning.models import Subscriber
from provisioning.projection import merge
from provisioning.projection.merge import Answer
from templates_app.models import OnboardingTemplate

_MAKE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS listing_seen (row_id bigint PRIMARY KEY);
    TRUNCATE listing_seen
"""
_ADD = "INSERT INTO listing_seen SELECT unnest(%s) ON CONFLICT DO NOTHING"
# What was written since the listing began was seen by somebody else.
_MISSING = """
    SELECT s.id FROM provisioning_subscriber s
     WHERE s.template_id = %(template)s AND s.deleted_at IS NULL
       AND s.webex_id IS NOT NULL AND s.seen_at < %(began)s
       AND NOT EXISTS (SELECT FROM listing_seen WHERE row_id = s.id)
     ORDER BY s.id
"""


class Seen:
    """The rows that a listing showed, in a temporary table of this session: a million fit.

    If the session is lost so is the table; what follows fails, and the listing is read again.
    """

    def __init__(self) -> None:
        with database.cursor() as cursor:
            cursor.execute(_MAKE)

    def add(self, ids: Iterable[int]) -> None:
        """Note rows; those known already count once."""
        with database.cursor() as cursor:
            cursor.execute(_ADD, [list(ids)])

    def missing(self, template: OnboardingTemplate, began: datetime) -> list[int]:
        """Rows of the template that a complete listing, begun then, did not show."""
        values: dict[str, Any] = {"template": template.pk, "began": began}
        with database.cursor() as cursor:
            cursor.execute(_MISSING, values)
            return [row[0] for row in cursor.fetchall()]


def find_deleted(asker: LimitedClient, ids: list[int]) -> None:
    """Ask for each of these rows, and mark as deleted whom Webex does not hold.

    Rows with an unfinished job are left alone: it asks by itself, and it may be deleting.

    Raises:
        Any of asking.BROKEN_OFF: whoever was asked for is done with.
    """
    for row in _rows(ids):
        told = asker.subscriber(str(row.webex_id))
        now = timing.now()
        if told is not None:
            answer = Answer(told, asker.asked_at, template=row.template)
            if merge.apply_answer(asker.connection, answer, now=now) is not None:
                continue
            # It went over to a provisioning ID that is not of this partner's templates.
        shown_status.mark_deleted(row, now=now, by="Webex", here=False)


def _rows(ids: list[int]) -> Iterator[Subscriber]:
    """Each as it is when its turn comes: there may be thousands, and they take their time."""
    for key in ids:
        live = Subscriber.objects.live().filter(pk=key, webex_id__isnull=False)
        row = live.select_related("template").first()
        if row is not None and selectors.unfinished_job_of(row) is None:
            yield row
