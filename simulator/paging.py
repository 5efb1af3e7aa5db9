"""The list's filters, its pages and the `Link` header.

Pages run from the newest subscriber to the oldest by an order that never changes, so a change
between two pages neither hides nor doubles a row.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from simulator.calls import Call
from simulator.errors import refuse
from simulator.payloads import decode_id

STATUSES = frozenset(
    {"pending_email_input", "pending_email_validation", "pending_user_migration"}
    | {"provisioning", "provisioned", "updating", "error"}
)
DEFAULT_MAX, LARGEST_MAX = 50, 100


@dataclass
class Conditions:
    """A WHERE clause in the making."""

    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, clause: str, *values: object) -> None:
        """Add one condition with its parameters."""
        self.clauses.append(clause)
        self.values.extend(values)

    @property
    def sql(self) -> str:
        """All conditions."""
        return " AND ".join(self.clauses)


def filters(query: Mapping[str, str]) -> Conditions:
    """Read the published filters; raises ApiError 400 for a value that cannot be read."""
    found = Conditions()
    for name, (clause, read) in FILTERS.items():
        if query.get(name):
            found.add(clause, read(name, query[name]))
    return found


def _same(name: str, text: str) -> str:
    if "\x00" in text:
        raise refuse(400, f"{name} contains a character that is not allowed.")
    return text


def _lower(name: str, text: str) -> str:
    return _same(name, text).lower()


def _person(name: str, text: str) -> Any:
    return decode_id("PEOPLE", text)


def _statuses(name: str, text: str) -> list[str]:
    wanted = [part.strip() for part in text.split(",")]
    if unknown := sorted(set(wanted) - STATUSES):
        raise refuse(400, f"Invalid {name}: {', '.join(unknown)}.")
    return wanted


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise refuse(400, f"Invalid {name}: true or false expected.")
    return text.lower() == "true"


def moment(name: str, text: str) -> datetime:
    """Read epoch milliseconds or an ISO 8601 time; raises ApiError 400."""
    try:
        if text.isascii() and text.lstrip("-").isdecimal():
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
        # A "+" in a query is a blank once decoded.
        value = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        words = "epoch time in milliseconds or an ISO 8601 date expected"
        raise refuse(400, f"Invalid {name}: {words}.") from None


FILTERS = {
    "userId": ("s.user_key = %s", _lower),
    "personId": ("s.person_uid = %s::uuid AND s.status = 'provisioned'", _person),
    "email": ("s.email_key = %s", _lower),
    "provisioningId": ("s.provisioning_id = %s", _same),
    "spEnterpriseId": ("s.sp_enterprise_id = %s", _same),
    "lastStatusChange": ("s.last_status_change > %s", moment),
    "status": ("s.status = ANY(%s)", _statuses),
    "after": ("s.created > %s", moment),
    "selfActivated": ("s.self_activated = %s", _boolean),
}


def page_size(request: HttpRequest, *, default: int, largest: int) -> int:
    """Return `max`; raises ApiError 400 unless it is 1 to `largest`."""
    text = request.GET.get("max") or str(default)
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not 1 <= int(text) <= largest:
        raise refuse(400, f"Invalid max: a number from 1 to {largest} expected.")
    return int(text)


def encode_cursor(value: object) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps([value]).encode()).decode().rstrip("=")


def begin(request: HttpRequest, conditions: Conditions, after: str) -> int:
    """Let the page begin where the request says; returns how many rows to pass over first.

    `after` is the condition on the last row seen, which a cursor holds. Raises ApiError 400 for
    a cursor or an offset that cannot be read, and for both: they may say two things.
    """
    text, skipped = request.GET.get("cursor"), _offset(request)
    if not text:
        return skipped or 0
    if skipped is not None:
        raise refuse(400, "Give cursor or offset, not both.")
    cursor = cursor_value(text)
    if type(cursor) is not int:
        raise refuse(400, "Invalid cursor.")
    conditions.add(after, cursor)
    return 0


def _offset(request: HttpRequest) -> int | None:
    text = request.GET.get("offset")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise refuse(400, "Invalid offset: a number from 0 to 999999999 expected.")
    return int(text)


def cursor_value(text: str) -> Any:
    """Return what `encode_cursor` was given; raises ApiError 400 for anything else."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))[0]
    except (binascii.Error, ValueError, LookupError, TypeError, RecursionError):
        raise refuse(400, "Invalid cursor.") from None


def filters_of(request: HttpRequest) -> dict[str, str]:
    """Return all of the query but where the page begins."""
    return {k: str(v) for k, v in request.GET.items() if k not in {"cursor", "offset"}}


def next_link(call: Call, cursor: str) -> str:
    """Return the `Link` header to the next page: by cursor, also when this one was by offset.

    With `next_link_keeps_filters` off it loses the filters, as the real Webex was seen to do
    (github.com/WebexCommunity/WebexPythonSDK/issues/168).
    """
    query = filters_of(call.request)
    if not call.caller.settings.next_link_keeps_filters:
        query = {name: value for name, value in query.items() if name == "max"}
    query["cursor"] = cursor
    return f'<{call.public_url}{call.request.path}?{urlencode(query)}>; rel="next"'
