"""Sync: bringing what the backend holds into our rows, page by page.

The incremental sync asks for what changed after the newest change seen, with an overlap; the
full pass asks for everything and finds what is gone. Both are safe to run twice or to break off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection as database
from django.utils import timezone

from accounts import secrets
from accounts.models import BackendConnection, Health
from provisioning import gate, permits, timing
from provisioning.backend import client_for
from provisioning.listing import Listing
from provisioning.missing import Seen, find_deleted
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
)

logger = logging.getLogger(__name__)

#: Changes that became visible late are found again; doubles cost nothing.
OVERLAP = timedelta(seconds=120)
#: Unclear answers for so many templates are trouble of the whole connection.
MAX_UNCLEAR = 3


def sync_connection(connection_id: int) -> bool:
    """Bring in all changes since the last sync; False when it could not be finished."""
    with _alone("sync", connection_id) as alone:
        return _sync(connection_id, full=False) if alone else False


def full_pass(connection_id: int) -> bool:
    """Read everything and mark what the backend no longer holds as deleted; resumable."""
    with _alone("full_pass", connection_id) as alone:
        return _sync(connection_id, full=True) if alone else False


@contextmanager
def _alone(name: str, connection_id: int) -> Iterator[bool]:
    """A session lock: one sync of a connection at a time, freed when the process dies."""
    key = f"{name}:{connection_id}"
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _sync(connection_id: int, *, full: bool) -> bool:
    connection = BackendConnection.objects.select_related("partner").get(pk=connection_id)
    started = time.monotonic()
    try:
        client = client_for(connection)
        read = _read_everything if full else _read_changes
        trouble = read(connection, client)
    except secrets.Unsealable:
        _held(connection, "the token cannot be read with the keys configured here")
    except TokenRefused:
        _held(connection, "Webex refuses the token")
    except permits.Closed as closed:
        logger.info("sync waits", extra={"connection_id": connection_id, "reason": str(closed)})
    except Throttled as error:
        until = timezone.now() + timing.scaled(error.retry_after)
        gate.close(connection, until=until, reason="429 Too Many Requests")
    except WebexError as error:
        text = f"sync broke off ({type(error).__name__}, {error.status or 'no answer'})"
        gate.note_health(connection, Health.DEGRADED, now=timezone.now(), text=text)
        logger.info("sync broke off", extra={"connection_id": connection_id, "reason": text})
    else:
        health = Health.DEGRADED if trouble.unclear else Health.OK
        took = int((time.monotonic() - started) * 1000)
        now, text = timezone.now(), trouble.words()
        gate.note_health(connection, health, now=now, text=text, answer_ms=took)
        return not text
    return False


def _held(connection: BackendConnection, reason: str) -> None:
    gate.note_health(connection, Health.HELD, now=timezone.now(), text=reason)


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
            trouble.unclear.append(f"{template.name}: unclear answer ({error.status or 'none'})")
            if len(trouble.unclear) >= MAX_UNCLEAR:
                raise
    return trouble


def _read_changes(connection: BackendConnection, client: WebexClient) -> Trouble:
    """Each provisioning ID has its watermark: the newest change seen, on the backend's clock. It
    moves only when every page was brought in; without one, as for a template added later,
    everything is read.
    """
    started = timezone.now()

    def read(template: OnboardingTemplate) -> None:
        known = connection.watermarks.get(template.provisioning_id)
        newest = datetime.fromisoformat(known) if known else None
        began = timezone.now()
        listing = Listing(connection, client, template, newest=newest)
        listing.read(newest - OVERLAP if newest else None)
        _move_watermark(connection, listing, began)

    trouble = _each(_templates(connection), read)
    if not trouble.unclear:
        _note(connection, synced_at=started)
    return trouble


_MOVE = """
    UPDATE accounts_backendconnection
       SET watermarks = watermarks
               || jsonb_build_object(%(provisioning_id)s::text, %(newest)s::text)
     WHERE id = %(connection)s AND api_base_url = %(api_base_url)s
       AND (%(replace)s OR watermarks -> %(provisioning_id)s IS NULL)
"""


def _move_watermark(
    connection: BackendConnection, listing: Listing, began: datetime, *, replace: bool = True
) -> None:
    """Only this one of the connection's watermarks: another pass may be moving the others, or
    operations have sent us to another backend, with another clock.
    """
    if listing.newest is None or listing.skipped:  # who could not be read is looked for again
        return
    # A time in our future would blind us for what comes before it; less is always safe.
    values = {
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


def _read_everything(connection: BackendConnection, client: WebexClient) -> Trouble:
    """A full pass, template by template; a broken-off pass goes on where it stopped."""
    resuming = connection.full_pass_started_at is not None
    done_id = connection.full_pass_template_id or 0 if resuming else 0
    if not resuming:
        _note(connection, full_pass_started_at=timezone.now(), full_pass_template_id=None)

    def read(template: OnboardingTemplate) -> None:
        _note(connection, full_pass_template_id=template.pk - 1)
        began, seen = timezone.now(), Seen()
        listing = Listing(connection, client, template, seen=seen)
        listing.read()
        # Too many for the sync, which starts anew each time: it goes on from here.
        _move_watermark(connection, listing, began, replace=False)
        find_deleted(connection, client, seen.missing(connection, template, began))

    trouble = _each([t for t in _templates(connection) if t.pk > done_id], read)
    done = {} if trouble.unclear else {"full_pass_done_at": timezone.now()}
    _note(connection, full_pass_started_at=None, full_pass_template_id=None, **done)
    return trouble


def _note(connection: BackendConnection, **values: object) -> None:
    BackendConnection.objects.filter(pk=connection.pk).update(**values)
