"""What every request of the sync asks for before it is sent."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts.models import BackendConnection


class Closed(Exception):
    """Nobody may send for the connection before a time."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the gate is closed until {until.isoformat()}")
        self.until = until


def permit(connection_id: int) -> datetime:
    """Let one request pass; return the moment, which is when it is asked (our clock).

    Raises:
        Closed: the gate of the connection is closed.
    """
    now = timezone.now()
    until = BackendConnection.objects.values_list("not_before", flat=True).get(pk=connection_id)
    if until and until > now:
        raise Closed(until)
    return now
