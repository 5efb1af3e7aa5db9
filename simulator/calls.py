"""One request on its way through the backend: what handlers read from it and note on it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from simulator import settings
from simulator.auth import Caller


@dataclass
class Call:
    """A request, who makes it, and what it came to (for the request log)."""

    request: HttpRequest
    arguments: dict[str, str]
    now: datetime
    operation: str = "unknown"
    user_id: str = ""
    effect: bool = False
    outcome: str = ""
    token_name: str = ""
    tracking_id: str = field(default_factory=lambda: f"ROUTERGW_{uuid.uuid4()}")
    caller_or_none: Caller | None = None

    @property
    def caller(self) -> Caller:
        """The account that asks; only for operations with a scope."""
        if self.caller_or_none is None:
            raise RuntimeError("this operation has no bearer token")
        return self.caller_or_none

    @property
    def public_url(self) -> str:
        """Base of the addresses that answers mention."""
        return settings.PUBLIC_URL or self.request.build_absolute_uri("/").rstrip("/")

    @property
    def body_hash(self) -> str:
        """SHA-256 of the body, empty without one."""
        body = self.request.body
        return hashlib.sha256(body).hexdigest() if body else ""


Handler = Callable[[Call], HttpResponse]


def utc_now() -> datetime:
    """The present in UTC, cut to milliseconds: what Webex's times show and filters compare."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
