"""Sync: bringing what the backend holds into our rows, page by page.

The incremental sync asks for what changed after the newest change seen, with an overlap; the
full pass asks for everything and finds what is gone. Both are safe to run twice or to break off.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database

from accounts import secrets
from accounts.models import BackendConnection, Health
from common import session_locks
from provisioning import timing
from provisioning.backend import gate
from provisioning.backend.client import client_for
from provisioning.backend.limited_client import LimitedClient, OutOfTime
from provisioning.sync.deletions import Seen, find_deleted
from provisioning.sync.listing import Listing
from templates_app.models import OnboardingTemplate
from webex.client import WebexClient
from webex.errors import (
    Forbidden,
    NotFound,
    Refused,
    Throttled,
    TokenRefused,
    Unknown,
    WebexError,
    in_words,
)

logger = logging.getLogger(__name__)

#: Changes that became visible late are found again; doubles cost nothing.
OVERLAP = timedelta(seconds=120)
#: Seconds that one run may take: less than the time limits of the tasks.
SECONDS_OF_SYNC, SECONDS_OF_FULL_PASS = 240.0, 3500.0
#: After a full pass its connection rests so many times as long: else the passes of a partner with
#: hundreds of thousands of users would always take their part of its rate.
REST_FACTOR, MAX_REST = 4, timedelta(hours=12)
#: Unclear answers for so many templates are trouble of the whole connection.
MAX_UNCLEAR = 3


def sync_connection(connection_id: int) -> bool:
    """Bring in all changes since the last sync; False when it could not be finished."""
    with session_locks.held(f"sync:{connection_id}") as is_alone:
        return _sync(connection_id, full=False) if is_alone else False


def full_pass(connection_id: int) -> bool:
    """Read everything and mark what the backend no longer holds as deleted; resumable."""
    with session_locks.held(f"full_pass:{connection_id}") as is_alone:
        return _sync(connection_id, full=True) if is_alone else False


def _sync(connection_id: int, *, full: bool) -> bool:
    connection = BackendConnection.objects.select_related("partner").get(pk=connection_id)
    try:
        client = client_for(connection)
        trouble = _read(connection, client, full=full)
    except secrets.Unsealable:
        gate.hold(connection, "the token cannot be read with the keys configured here")
    except (gate.Closed, TokenRefused, Throttled) as error:  # all know
        logger.info("sync waits", extra={"connection_id": connection_id, "reason": str(error)})
    except OutOfTime:
        _broken_off(connection, "it takes too long for one sync; the full pass goes on with it")
    except WebexError as error:
        _broken_off(connection, f"sync broke off: {in_words(error)}")
    else:
        if text := trouble.words():
            health = Health.DEGRADED if trouble.unclear else Health.OK
            gate.record_health(connection, health, now=timing.now(), text=text)
        return not text
    return False


def _broken_off(connection: BackendConnection, text: str) -> None:
    gate.record_health(connection, Health.DEGRADED, now=timing.now(), text=text)
    logger.info("sync broke off", extra={"connection_id": connection.pk, "reason": text})


def _read(connection: BackendConnection, client: WebexClient, *, full: bool) -> Trouble:
    if full:
        return _read_everything(LimitedClient(connection, client, seconds=SECONDS_OF_FULL_PASS))
    return _read_changes(LimitedClient(connection, client, seconds=SECONDS_OF_SYNC))


@dataclass
class Trouble:
    """Templates that could not be read: Webex refused them clearly, or the answer was unclear."""

    refused: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def words(self) -> str:
        """For the health pages; empty when all is well."""
        return "; ".join([*self.refused, *self.unclear])


def _each(
    templates: list[OnboardingTemplate], read: Callable[[OnboardingTemplate], None]
) -> Trouble:
    """Read template by template; trouble with one (a provisioning ID that Webex does not know)
    must not stop the others. Trouble of the whole connection is raised.
    """
    trouble = Trouble()
    for template in templates:
        try:
            read(template)
        except (Refused, Forbidden, NotFound) as error:
            trouble.refused.append(f"{template.name}: refused ({error.status})")
        except Unknown as error:
            trouble.unclear.append(f"{template.name}: {in_words(error)}")
            if len(trouble.unclear) >= MAX_UNCLEAR:
                raise
    return trouble


def _read_changes(asker: LimitedClient) -> Trouble:
    """Each provisioning ID has its watermark: the newest change seen, on the backend's clock. It
    moves only when every page was brought in; without one, as for a template added later,
    everything is read.
    """
    connection, started = asker.connection, timing.now()

    def read(template: OnboardingTemplate) -> None:
        known = connection.watermarks.get(template.provisioning_id)
        newest = datetime.fromisoformat(known) if known else None
        began = timing.now()
        listing = Listing(asker, template, newest=newest)
        listing.read(newest - OVERLAP if newest else None)
        _move_watermark(listing, began)

    trouble = _each(_templates(connection), read)
    if not trouble.unclear:
        _save(connection, synced_at=started)
    return trouble


_MOVE = """
    UPDATE accounts_backendconnection
       SET watermarks = watermarks
               || jsonb_build_object(%(provisioning_id)s::text, %(newest)s::text)
     WHERE id = %(connection)s AND api_base_url = %(api_base_url)s
       AND (%(replace)s OR watermarks -> %(provisioning_id)s IS NULL)
"""


def _move_watermark(listing: Listing, began: datetime, *, replace: bool = True) -> None:
    """Only this one of the connection's watermarks: another pass may be moving the others, or
    operations have sent us to another backend, with another clock.
    """
    if listing.newest is None or listing.skipped:  # who could not be read is looked for again
        return
    # A time in our future would blind us for what comes before it; less is always safe.
    connection = listing.asker.connection
    values: dict[str, Any] = {
        "connection": connection.pk,
        "api_base_url": connection.api_base_url,
        "provisioning_id": listing.template.provisioning_id,
        "newest": min(listing.newest, began).isoformat(),
        "replace": replace,
    }
    with database.cursor() as cursor:
        cursor.execute(_MOVE, values)


def _templates(connection: BackendConnection) -> list[OnboardingTemplate]:
    return list(OnboardingTemplate.objects.filter(partner_id=connection.partner_id).order_by("pk"))


def _read_everything(asker: LimitedClient) -> Trouble:
    """A full pass, template by template; a broken-off pass goes on where it stopped."""
    connection = asker.connection
    resuming = connection.full_pass_started_at is not None
    done_id = connection.full_pass_template_id or 0 if resuming else 0
    started_at = connection.full_pass_started_at or timing.now()
    if not resuming:
        _save(connection, full_pass_started_at=started_at, full_pass_template_id=None)

    def read(template: OnboardingTemplate) -> None:
        _save(connection, full_pass_template_id=template.pk - 1)
        began, seen = timing.now(), Seen()
        listing = Listing(asker, template, seen=seen)
        listing.read()
        # Where the listing is too long for a sync, which starts anew each time.
        _move_watermark(listing, began, replace=False)
        find_deleted(asker, seen.missing(template, began))

    trouble = _each([t for t in _templates(connection) if t.pk > done_id], read)
    now = timing.now()
    done = {} if trouble.unclear else {"full_pass_done_at": now}
    rest = now + min((now - started_at) * REST_FACTOR, MAX_REST)
    _save(connection, full_pass_started_at=None, full_pass_template_id=None,
          full_pass_not_before=rest, **done)  # fmt: skip
    return trouble


def _save(connection: BackendConnection, **values: object) -> None:
    BackendConnection.objects.filter(pk=connection.pk).update(**values)
