"""What a world document may say: a misspelt member is refused with words, not passed over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

from simulator.auth import AccountSettings

Entry = dict[str, Any]
MEMBERS = {
    "accounts": "token name region token_name scopes settings expires_in_seconds",
    "provisioning_ids": "id account region cluster",
    "enterprises": (
        "id provisioning_id is_enterprise group region problem attempts until for_seconds"
    ),
    "broadworks_users": (
        "user_id password first_name last_name enterprise provisioning_id group number extension"
        " mobile package im_p assign_after_seconds unassign_after_seconds locked locked_answer"
        " answer_status max_failures password_expires_days"
    ),
    "addresses": "email kind attempts until for_seconds at_once code description seconds",
    "subscribers": (
        "user_id provisioning_id enterprise email package status errors first_name last_name"
        " primary_phone mobile_phone extension self_activated age_seconds changed_seconds_ago"
    ),
}
#: Settings that are one of a few words.
CHOICES = {
    "repeated_post": ("retry", "refuse"),
    "answers": ("schema", "examples", "letter"),
    "busy": ("conflict", "locked"),
}


class WorldError(ValueError):
    """A world document that cannot be loaded; the text says which entry and why."""


def check_members(section: str, entries: Iterable[Entry]) -> None:
    """Raise WorldError for an entry that is no object or has a member that does not exist."""
    known = set(MEMBERS[section].split())
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise WorldError(f"{section}: entry {number} is no object")
        if unknown := sorted(entry.keys() - known):
            raise WorldError(f"{section}: entry {number}: unknown members: {', '.join(unknown)}")


def check_settings(values: Entry) -> None:
    """Raise WorldError for an account's setting that does not exist or makes no sense."""
    defaults = {item.name: _default(item) for item in fields(AccountSettings)}
    if unknown := sorted(values.keys() - defaults.keys()):
        raise WorldError(f"accounts: unknown settings: {', '.join(unknown)}")
    for name, value in values.items():
        if not _fits(name, value, defaults[name]):
            raise WorldError(f"accounts: setting {name} cannot be {value!r}")


def _default(item: Any) -> object:
    return item.default if item.default is not MISSING else item.default_factory()


def _fits(name: str, value: object, default: object) -> bool:
    if name in CHOICES:
        return value in CHOICES[name]
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, list):
        return isinstance(value, list) and len(value) == len(default) and all(map(_is_time, value))
    if default is None:
        return value is None or _is_time(value)
    return _is_time(value) if isinstance(default, int | float) else type(value) is type(default)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
