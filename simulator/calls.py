"""One request on its way through the backend: what handlers read from it and note on it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from simulator import settings
from simulator.auth import Caller
from simulator.db import Row
from simulator.state import Opening


@dataclass
class Call:
    """A request, who makes it, and what it came to (for the request log)."""

    request: HttpRequest
    arguments: dict[str, str]
    now: datetime
    opening: Opening
    operation: str = "unknown"
    caller_or_none: Caller | None = None
    provisioning_id: str = ""
    sp_enterprise_id: str = ""
    user_id: str = ""
    change: str = ""  # created, renewed, updated, removed or mailed
    outcome: str = ""
    arrived_at: datetime | None = None  # when that was before `now`: it was held
    tracking_id: str = field(default_factory=lambda: f"ROUTERGW_{uuid.uuid4()}")

    @property
    def caller(self) -> Caller:
        """The account that asks; only for operations with a scope."""
        if self.caller_or_none is None:
            raise RuntimeError("this operation has no bearer token")
        return self.caller_or_none

    @property
    def token_name(self) -> str:
        """Whose token it is; empty for an unknown one and for logins."""
        return self.caller_or_none.token_name if self.caller_or_none else ""

    @property
    def subject(self) -> str:
        """Whom it is about, as far as its address and its body tell."""
        named = self.arguments.get("subscriber_id") or self.arguments.get("user_id")
        return named or self._user_in_body() or self.request.path

    def _user_in_body(self) -> str:
        try:
            body = json.loads(self.request.body)
            return str(body.get("userId") or body.get("email") or "")
        except (ValueError, AttributeError, RecursionError):
            return self.request.GET.get("userId", "")

    def concerns(self, row: Row) -> None:
        """Note the subscriber that a request turned out to be about."""
        self.provisioning_id = row["provisioning_id"]
        self.sp_enterprise_id = row["sp_enterprise_id"]
        self.user_id = row["user_id"]

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
