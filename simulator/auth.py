"""Who is asking: bearer tokens, their scopes, and the settings of the account behind them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from simulator import settings
from simulator.errors import ApiError, refuse

SUBSCRIBERS_READ = "spark-admin:broadworks_subscribers_read"
SUBSCRIBERS_WRITE = "spark-admin:broadworks_subscribers_write"
ENTERPRISES_READ = "spark-admin:broadworks_enterprises_read"
ENTERPRISES_WRITE = "spark-admin:broadworks_enterprises_write"
ALL_SCOPES = [SUBSCRIBERS_READ, SUBSCRIBERS_WRITE, ENTERPRISES_READ, ENTERPRISES_WRITE]


@dataclass(frozen=True)
class AccountSettings:
    """How the backend behaves towards one account; every name may stand in a world document."""

    repeated_post: str = "retry"  # or "refuse": a pending or failed subscriber posted again
    unique_key: bool = True  # False: a second subscriber with the same key is not refused
    next_link_keeps_filters: bool = True  # False: as the real Webex was seen to do
    answers: str = "schema"  # "examples", "letter": where the document contradicts itself
    busy: str = "conflict"  # or "locked": 423 with Retry-After for one that is under way
    provision_seconds: list[float] = field(default_factory=lambda: [2.0, 4.0])
    update_seconds: list[float] = field(default_factory=lambda: [1.0, 2.0])
    first_user_seconds: float = 8.0
    time_scale: float | None = None  # None: SIMULATOR_TIME_SCALE
    requests_per_minute: float | None = None  # None: as many as they like
    burst: float = 10  # how many of them at once

    @property
    def scale(self) -> float:
        """Factor on asynchronous delays."""
        return float(settings.TIME_SCALE) if self.time_scale is None else self.time_scale

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> AccountSettings:
        """Read stored settings; raises TypeError for a name that does not exist."""
        return cls(**values)

    @classmethod
    def names(cls) -> set[str]:
        """The settings that exist."""
        return {item.name for item in fields(cls)}


@dataclass(frozen=True)
class Caller:
    """The account behind a valid token."""

    token_name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    account_id: int
    account_name: str
    region: str
    settings: AccountSettings


def caller_of(request: HttpRequest, callers: Mapping[str, Caller]) -> Caller | None:
    """Return the caller behind the bearer token, None for an unknown or missing one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return callers.get(token.strip()) if scheme.lower() == "bearer" else None


def require_token(caller: Caller | None, now: datetime) -> None:
    """Raise ApiError 401 without a token, or with one that is over."""
    if caller is None or (caller.expires_at is not None and caller.expires_at <= now):
        raise ApiError(401, headers={"WWW-Authenticate": 'Bearer realm="webex"'})


def require_scope(caller: Caller, scope: str) -> None:
    """Raise ApiError 403 unless the token carries the scope."""
    if scope not in caller.scopes:
        raise refuse(403, f"The access token lacks the scope {scope}.")


def basic_login(request: HttpRequest) -> tuple[str, str] | None:
    """Return user ID and password of an HTTP Basic header, or None."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user_id, colon, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user_id, password) if colon and "\x00" not in user_id else None
