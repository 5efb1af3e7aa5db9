"""A timeline tells in which order its row was written, whenever each writer read its clock.

A writer's `now` is read before it waits for the row, in a web process even from another machine's
clock: whoever writes last may bring the earliest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from provisioning import shown_status
from provisioning.bulk import services as bulk_services
from provisioning.invariants import check as invariants_check
from provisioning.jobs import user_services
from provisioning.models import StatusEvent, Subscriber
from provisioning.projection import merge
from provisioning.projection.merge import Answer
from provisioning.states import JobKind, Status
from tests.factories import actor_of
from webex.payloads import RemoteSubscriber

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
ERROR = {"code": "1", "text": "Late.", "tracking_id": "", "at": BEGAN.isoformat()}


@pytest.fixture
def early() -> datetime:
    """When somebody read the clock who then had to wait for the row."""
    return timezone.now()


def bring(template, status: str, minute: int, now: datetime) -> Subscriber:
    """An answer of the backend: it said so at a minute of its own clock."""
    remote = RemoteSubscriber(
        id="id-a", user_id="a@x.example", status=status, email="a@x.example", created=BEGAN,
        sp_enterprise_id="Firma", package="standard", provisioning_id=template.provisioning_id,
        errors=(), last_status_change=BEGAN + timedelta(minutes=minute),
    )  # fmt: skip
    answer = Answer(remote, asked_at=BEGAN + timedelta(hours=1, minutes=minute))
    row = merge.apply_answer(template.partner.connection, answer, now=now)
    assert row
    return row


@pytest.fixture
def row(early, template) -> Subscriber:
    """A user of whom others wrote twice since."""
    bring(template, Status.WAITING_ADDRESS, 1, timezone.now())
    return bring(template, Status.ERROR, 2, timezone.now())


Write = Callable[[Subscriber, User, datetime], object]


def bring_newer(row, _anna, now):
    bring(row.template, Status.PROVISIONED, 3, now)


def restore(row, _anna, now):
    shown_status.mark_deleted(row, now=BEGAN, by="Webex", here=False)
    bring(row.template, Status.PROVISIONED, 3, now)


def note_error(row, _anna, now):
    shown_status.record_activation_error(row, ERROR, now=now)


def delete(row, _anna, now):
    shown_status.mark_deleted(row, now=now, by="Webex", here=False)


def ask(row, anna, now):
    user_services.delete_user(row, actor=actor_of(anna), now=now)


def ask_in_bulk(row, anna, now):
    ids, actor = [row.pk], actor_of(anna)
    bulk_services.accept(row.template, JobKind.DELETE, ids, params={}, actor=actor, now=now)


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (bring_newer, "status"),
        (restore, "restored"),
        (note_error, "error"),
        (delete, "deleted"),
        (ask, "requested"),
        (ask_in_bulk, "requested"),
    ],
)
def test_what_was_written_last_stands_last(write: Write, what: str, row, anna, early):
    write(row, anna, early)

    events = list(StatusEvent.objects.filter(subscriber=row))
    assert [event.pk for event in events] == sorted((event.pk for event in events), reverse=True)
    assert what in {event.what for event in events}
    assert invariants_check.check(timezone.now(), timely=False) == []
