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
from provisioning import gate, projection, selectors, shown, timing
from provisioning.backend import client_for
from provisioning.models import Subscriber
from provisioning.projection import Answer
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
from webex.payloads import Page, RemoteSubscriber

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
    now = timezone.now()
    if connection.not_before and connection.not_before > now:
        return False
    started = time.monotonic()
    try:
        client = client_for(connection)
        read = _read_everything if full else _read_changes
        trouble = read(connection, client)
    except secrets.Unsealable:
        _held(connection, "the token cannot be read with the keys configured here")
    except TokenRefused:
        _held(connection, "Webex refuses the token")
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

    def read(template: OnboardingTemplate) -> None:
        known = connection.watermarks.get(template.provisioning_id)
        newest = datetime.fromisoformat(known) if known else None
        since = newest - OVERLAP if newest else None
        started = asked_at = timezone.now()
        skipped = 0
        for page in client.list_subscribers(template.provisioning_id, changed_after=since):
            skipped += page.skipped
            newest = _bring_in(connection, client, template, page, asked_at, newest)
            asked_at = timezone.now()
        if newest and not skipped:  # who could not be read is looked for again
            # A time in our future would blind us for what comes before it; less is always safe.
            connection.watermarks[template.provisioning_id] = min(newest, started).isoformat()
            _note(connection, watermarks=connection.watermarks)

    trouble = _each(_templates(connection), read)
    if not trouble.unclear:
        _note(connection, synced_at=timezone.now())
    return trouble


def _bring_in(
    connection: BackendConnection,
    client: WebexClient,
    template: OnboardingTemplate,
    page: Page,
    asked_at: datetime,
    newest: datetime | None,
) -> datetime | None:
    known = _known(connection, page)
    for remote in page.subscribers:
        if _is_as_known(known.get(remote.id), remote):
            continue
        answer: Answer | None = Answer(remote, asked_at, template=template)
        if _needs_asking(known.get(remote.id), remote):
            answer = _asked_again(client, remote, template)
        if answer is not None:
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


def _asked_again(
    client: WebexClient, remote: RemoteSubscriber, template: OnboardingTemplate
) -> Answer | None:
    asked_at = timezone.now()
    try:
        return Answer(client.get_subscriber(remote.id), asked_at, template=template)
    except NotFound:
        return None


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
        started = timezone.now()
        for page in client.list_subscribers(template.provisioning_id):
            _bring_in(connection, client, template, page, started, None)
            _mark_seen(connection, page, started)
        _find_deleted(connection, client, template, started)

    trouble = _each([t for t in _templates(connection) if t.pk > done_id], read)
    done = {} if trouble.unclear else {"full_pass_done_at": timezone.now()}
    _note(connection, full_pass_started_at=None, full_pass_template_id=None, **done)
    return trouble


def _note(connection: BackendConnection, **values: object) -> None:
    BackendConnection.objects.filter(pk=connection.pk).update(**values)


def _mark_seen(connection: BackendConnection, page: Page, asked_at: datetime) -> None:
    ids = [remote.id for remote in page.subscribers]
    Subscriber.objects.filter(connection=connection, webex_id__in=ids, seen_at__lt=asked_at).update(
        seen_at=asked_at
    )


def _find_deleted(
    connection: BackendConnection,
    client: WebexClient,
    template: OnboardingTemplate,
    started_at: datetime,
) -> None:
    """Rows that no page showed: each is asked by ID before it is called deleted.

    Rows with an unfinished job are left alone: it asks by itself, and it may be deleting.
    """
    missing = Subscriber.objects.live().filter(
        connection=connection, template=template, seen_at__lt=started_at, webex_id__isnull=False
    )
    for row in missing.iterator():
        if selectors.unfinished_job_of(row) is None:
            _ask_missing(connection, client, row)


def _ask_missing(connection: BackendConnection, client: WebexClient, row: Subscriber) -> None:
    asked_at = timezone.now()
    try:
        remote = client.get_subscriber(str(row.webex_id))
    except NotFound:
        shown.mark_deleted(row, now=timezone.now(), by="Webex", here=False)
        return
    answer = Answer(remote, asked_at, template=row.template)
    if projection.apply_answer(connection, answer, now=timezone.now()) is None:
        # It went over to a provisioning ID that is not of this partner's templates.
        shown.mark_deleted(row, now=timezone.now(), by="Webex", here=False)
