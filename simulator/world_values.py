"""What a world document's entries say, as values for the statements of `world_rows`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from simulator import db
from simulator.errors import ErrorBody, cisco, ours

Entry = dict[str, Any]


def user_values(entry: Entry, homes: dict[str, str], now: datetime) -> tuple[Any, ...]:
    """Return a BroadWorks user's values for `USER_ROWS`; `homes`: each customer's provisioning ID.

    Raises ValueError for Integrated IM&P without a provisioning ID: nothing could arrive.
    """
    enterprise = entry.get("enterprise", "")
    home = entry.get("provisioning_id") or homes.get(enterprise)
    changes_at = _assign_at(entry, now)
    if home is None and (has_im_p(entry) or changes_at):
        raise ValueError(f"{entry['user_id']} has no provisioning_id: nothing can arrive")
    return (
        entry["user_id"].lower(),
        entry["user_id"],
        entry.get("password", ""),
        entry.get("first_name", ""),
        entry.get("last_name", ""),
        enterprise,
        home,
        entry.get("group", ""),
        entry.get("number", ""),
        entry.get("extension", ""),
        entry.get("mobile", ""),
        entry.get("package", "standard"),
        has_im_p(entry),
        changes_at,
        entry.get("locked", False),
        entry.get("locked_answer", "plain"),
        entry.get("answer_status", 200),
        entry.get("max_failures", 5),
        entry.get("password_expires_days"),
    )


def has_im_p(entry: Entry) -> bool:
    """Tell whether a BroadWorks user has Integrated IM&P from the start."""
    return bool(entry.get("im_p", False) or "unassign_after_seconds" in entry)


def _assign_at(entry: Entry, now: datetime) -> datetime | None:
    """Return when Integrated IM&P comes, or goes from one who has it."""
    seconds = entry.get("assign_after_seconds", entry.get("unassign_after_seconds"))
    return None if seconds is None else now + timedelta(milliseconds=round(seconds * 1000))


def error_bodies(values: Iterable[object]) -> list[ErrorBody]:
    """Read `errors`: a number with Cisco's text, a text of ours, or an object as it is."""
    found: list[ErrorBody] = []
    for value in values:
        if isinstance(value, int):
            found.append(cisco(value))
        elif isinstance(value, dict):
            found.append(value)
        else:
            found.append(ours(str(value)))
    return found


def subscriber_values(
    entry: Entry,
    accounts: dict[str, tuple[int, str]],
    users: dict[str, Entry],
    now: datetime,
) -> tuple[Any, ...]:
    """Return a subscriber's values for `SUBSCRIBER_ROWS`, the missing ones from its user."""
    account_id, cluster = accounts[entry["provisioning_id"]]
    person = users.get(entry["user_id"].lower(), {}) | entry
    status = entry.get("status", "provisioned")
    age = float(entry.get("age_seconds", 0))
    changed = float(entry.get("changed_seconds_ago", age))
    email = entry.get("email") or ""
    return (
        account_id,
        entry["provisioning_id"],
        cluster,
        entry["enterprise"],
        entry["user_id"],
        entry["user_id"].lower(),
        *(person.get(name, "") for name in ("first_name", "last_name")),
        email,
        email.lower(),
        *(person.get(name, "") for name in ("primary_phone", "mobile_phone", "extension")),
        entry.get("package", "standard"),
        status,
        db.dumps(error_bodies(entry.get("errors", []))),
        entry.get("self_activated", False),
        now - timedelta(seconds=age),
        now - timedelta(seconds=min(changed, age)),
        status in {"provisioned", "updating"},
    )
