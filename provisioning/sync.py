"""Sync: bringing what the backend holds into our rows, page by page.

The incremental sync asks for what changed after the newest change seen, with an overlap; the
full pass asks for everything and finds what is gone. Both are safe to run twice or to break off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection as database
from django.utils import timezone

from accounts import secrets
from accounts.models import BackendConnection, Health
from provisioning import outbox, projection, selectors
from provisioning.backend import client_for
from provisioning.models import Subscriber
from provisioning.projection import Answer
from templates_app.models import OnboardingTemplate
from webex.client import WebexClient
from webex.errors import NotFound, Throttled, TokenRefused, WebexError
from webex.payloads import Page, RemoteSubscriber

logger = logging.getLogger(__name__)

#: Changes that became visible late are found again; doubles cost nothing.
OVERLAP = timedelta(seconds=120)


def sync_connection(connection_id: int) -> bool:
    """Bring in all changes since the last sync; False when it could not be finished."""
    with _alone("sync", connection_id) as alone:
        return _sync(connection_id, full=False) if alone else False


def full_pass(connection_id: int) -> bool:
    """Read everything and mark what the backend no longer holds as deleted; resumable."""
    with _alone("sync", connection_id) as alone:
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
    now = timezone.now()
    if connection.not_before and connection.not_before > now:
        return False
    try:
        client = client_for(connection)
        started = time.monotonic()
        if full:
            _read_everything(connection, client, now)
        else:
            _read_changes(connection, client)
    except secrets.Unsealable:
        _held(connection, "the token cannot be read with the keys configured here")
    except TokenRefused:
        _held(connection, "Webex refuses the token")
    except Throttled as error:
        until = timezone.now() + outbox.scaled(error.retry_after)
        outbox.close_gate(connection, until=until, reason="429 Too Many Requests")
    except WebexError as error:
        text = f"sync broke off ({type(error).__name__}, {error.status or 'no answer'})"
        outbox.note_health(connection, Health.DEGRADED, now=timezone.now(), text=text)
        logger.info("sync broke off", extra={"connection_id": connection_id, "reason": text})
    else:
        took = int((time.monotonic() - started) * 1000)
        outbox.note_health(connection, Health.OK, now=timezone.now(), answer_ms=took)
        return True
    return False


def _held(connection: BackendConnection, reason: str) -> None:
    outbox.note_health(connection, Health.HELD, now=timezone.now(), text=reason)


def _read_changes(connection: BackendConnection, client: WebexClient) -> None:
    """The watermark is the newest change seen, on the backend's clock; it moves only when every
    page of every template was brought in.
    """
    since = connection.watermark - OVERLAP if connection.watermark else None
    newest = connection.watermark
    for template in _templates(connection):
        asked_at = timezone.now()
        for page in client.list_subscribers(template.provisioning_id, changed_after=since):
            newest = _bring_in(connection, client, page, asked_at, newest)
            asked_at = timezone.now()
    BackendConnection.objects.filter(pk=connection.pk).update(
        watermark=newest, synced_at=timezone.now()
    )


def _bring_in(
    connection: BackendConnection,
    client: WebexClient,
    page: Page,
    asked_at: datetime,
    newest: datetime | None,
) -> datetime | None:
    known = _known(connection, page)
    for remote in page.subscribers:
        if _is_as_known(known.get(remote.id), remote):
            continue
        told = remote
        if _needs_asking(known.get(remote.id), remote):
            told = _asked_again(client, remote)
        answer = Answer(told, asked_at=asked_at)
        projection.apply_answer(connection, answer, now=timezone.now())
    times = [r.last_status_change for r in page.subscribers if r.last_status_change]
    return max([*times, *([newest] if newest else [])], default=None)


def _known(connection: BackendConnection, page: Page) -> dict[str, Subscriber]:
    ids = [remote.id for remote in page.subscribers]
    rows = Subscriber.objects.live().filter(connection=connection, webex_id__in=ids)
    return {str(row.webex_id): row for row in rows}


def _is_as_known(row: Subscriber | None, remote: RemoteSubscriber) -> bool:
    """Nothing to write for most rows of the overlap: compare before touching the table."""
    if row is None:
        return False
    errors = [(e.code or "", e.text) for e in remote.errors[:1]]
    kept = [(row.backend_error["code"], row.backend_error["text"])] if row.backend_error else []
    return errors == kept and all(
        getattr(row, ours) == getattr(remote, theirs) for ours, theirs in projection.COPIED.items()
    )


def _needs_asking(row: Subscriber | None, remote: RemoteSubscriber) -> bool:
    """Same time, other status: the list cannot tell which came first; the subscriber can."""
    return (
        row is not None
        and row.backend_changed_at == remote.last_status_change
        and row.backend_status != remote.status
    )


def _asked_again(client: WebexClient, remote: RemoteSubscriber) -> RemoteSubscriber:
    try:
        return client.get_subscriber(remote.id)
    except NotFound:
        return remote


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
        projection.mark_deleted(row, now=timezone.now(), by="Webex", here=False)
        return Refreshed.GONE
    except (secrets.Unsealable, TokenRefused):
        return Refreshed.TOKEN
    except WebexError as error:
        logger.info("check now failed", extra={"reason": error.reason})
        return Refreshed.SILENT
    projection.apply_answer(connection, Answer(remote, asked_at=now), now=timezone.now())
    return Refreshed.CURRENT


def _templates(connection: BackendConnection) -> list[OnboardingTemplate]:
    return list(OnboardingTemplate.objects.filter(partner_id=connection.partner_id).order_by("pk"))


def _read_everything(connection: BackendConnection, client: WebexClient, now: datetime) -> None:
    """A full pass, template by template; a broken-off pass goes on where it stopped."""
    resuming = connection.full_pass_started_at is not None
    started_at = connection.full_pass_started_at or now
    done_id = connection.full_pass_template_id or 0 if resuming else 0
    _note_pass(connection, full_pass_started_at=started_at, full_pass_template_id=done_id or None)
    for template in _templates(connection):
        if template.pk <= done_id:
            continue
        template_started = timezone.now()
        newest: datetime | None = None
        for page in client.list_subscribers(template.provisioning_id):
            newest = _bring_in(connection, client, page, template_started, newest)
            _mark_seen(connection, page)
        _find_deleted(connection, client, template, template_started)
        _note_pass(connection, full_pass_template_id=template.pk)
    _note_pass(
        connection,
        full_pass_started_at=None,
        full_pass_template_id=None,
        full_pass_done_at=timezone.now(),
    )


def _note_pass(connection: BackendConnection, **values: object) -> None:
    BackendConnection.objects.filter(pk=connection.pk).update(**values)


def _mark_seen(connection: BackendConnection, page: Page) -> None:
    ids = [remote.id for remote in page.subscribers]
    Subscriber.objects.filter(connection=connection, webex_id__in=ids).update(
        seen_at=timezone.now()
    )


def _find_deleted(
    connection: BackendConnection,
    client: WebexClient,
    template: OnboardingTemplate,
    started_at: datetime,
) -> None:
    """Rows that no page showed: each is asked by ID before it is called deleted."""
    missing = Subscriber.objects.live().filter(
        connection=connection, template=template, seen_at__lt=started_at, webex_id__isnull=False
    )
    for row in missing.iterator():
        try:
            asked_at = timezone.now()
            remote = client.get_subscriber(str(row.webex_id))
        except NotFound:
            projection.mark_deleted(row, now=timezone.now(), by="Webex", here=False)
        else:
            answer = Answer(remote, asked_at=asked_at)
            projection.apply_answer(connection, answer, now=timezone.now())
