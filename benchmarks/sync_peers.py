"""The usual ways to bring answers into rows with Django; they keep none of our rules."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from provisioning.models import StatusEvent, Subscriber
from provisioning.projection.staging import COPIED


def many(party: Any, answers: list[Any]) -> None:
    """Look the rows up, write all of them and an event of each with bulk_create."""
    ids = [one.remote.id for one in answers]
    live = Subscriber.objects.filter(connection=party.connection, deleted_at=None)
    known = dict(live.filter(webex_id__in=ids).values_list("webex_id", "pk"))
    rows = [Subscriber(pk=known.get(one.remote.id), **_values(party, one)) for one in answers]
    names = [name for name in _values(party, answers[0]) if name not in {"connection", "webex_id"}]
    with transaction.atomic():
        rows = Subscriber.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=names
        )
        StatusEvent.objects.bulk_create([_event(row) for row in rows])


def one(party: Any, answer: Any) -> None:
    """Bring one answer in with update_or_create, and tell of it."""
    values = _values(party, answer)
    key = {name: values.pop(name) for name in ("connection", "webex_id")}
    with transaction.atomic():
        row, _ = Subscriber.objects.update_or_create(**key, deleted_at=None, defaults=values)
        _event(row).save()


def _event(row: Subscriber) -> StatusEvent:
    return StatusEvent(
        subscriber=row, cause="sync", what="status", after=row.status, error_code=row.error_code
    )


def _values(party: Any, answer: Any) -> dict[str, Any]:
    remote = answer.remote
    error = remote.errors[0] if remote.errors else None
    told = {"code": error.code, "text": error.text, "tracking_id": ""} if error else {}
    return {name: getattr(remote, theirs) for name, theirs in COPIED.items()} | {
        "partner": party.connection.partner,
        "connection": party.connection,
        "template": party.template,
        "webex_id": remote.id,
        "status": remote.status,
        "backend_error": told,
        "error_code": error.code if error else "",
        "error_text": error.text if error else "",
        "seen_at": answer.asked_at,
        "last_change_at": remote.last_status_change or timezone.now(),
    }
