"""The gate and the health of a connection, which all workers obey and tell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.models import BackendConnection, Health


def close(connection: BackendConnection, *, until: datetime, reason: str) -> None:
    """Hold everything of a connection until a time; a later time wins."""
    BackendConnection.objects.filter(pk=connection.pk).filter(
        Q(not_before=None) | Q(not_before__lt=until)
    ).update(not_before=until, gate_reason=reason[:200])


def note_health(
    connection: BackendConnection,
    health: Health,
    *,
    now: datetime,
    text: str = "",
    answer_ms: int | None = None,
) -> None:
    """Remember how a connection does, for the health pages."""
    values: dict[str, Any] = {"health": health, "health_text": text[:300], "health_at": now}
    if answer_ms is not None:
        values["answer_ms"] = answer_ms
    BackendConnection.objects.filter(pk=connection.pk).update(**values)
