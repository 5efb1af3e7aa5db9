"""What a world document may say: a misspelt member is refused with words, not passed over."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from simulator import shapes
from simulator.auth import AccountSettings
from simulator.errors import CISCO_TEXTS
from simulator.shapes import FLAG, NAME, SECONDS, TEXT, TEXTS, Shape

Entry = dict[str, Any]


def _are_errors(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str | dict) or (type(item) is int and item in CISCO_TEXTS)
        for item in value
    )


ERRORS = Shape("a list of Cisco's codes, texts and objects", _are_errors)
_TOKEN = shapes.text(1000, least=1)
_COUNT = shapes.whole(0)
MEMBERS: dict[str, dict[str, Shape]] = {
    "accounts": {
        "token": _TOKEN, "name": NAME, "region": TEXT, "token_name": NAME, "scopes": TEXTS,
        "settings": shapes.OBJECT, "expires_in_seconds": SECONDS,
    },
    "provisioning_ids": {"id": NAME, "account": NAME, "region": TEXT, "cluster": TEXT},
    "enterprises": {
        "id": NAME, "provisioning_id": NAME, "is_enterprise": FLAG, "group": TEXT, "region": TEXT,
        "problem": TEXT, "attempts": _COUNT, "until": shapes.TIME, "for_seconds": SECONDS,
    },
    "broadworks_users": {
        "user_id": NAME, "password": TEXT, "first_name": TEXT, "last_name": TEXT,
        "enterprise": TEXT, "provisioning_id": TEXT, "group": TEXT, "number": TEXT,
        "extension": TEXT, "mobile": TEXT, "package": TEXT, "im_p": FLAG,
        "assign_after_seconds": SECONDS, "unassign_after_seconds": SECONDS, "locked": FLAG,
        "locked_answer": shapes.one_of("plain", "named"), "answer_status": shapes.whole(200, 599),
        "max_failures": _COUNT, "password_expires_days": shapes.whole(-100_000, 100_000),
    },
    "addresses": {
        "email": NAME, "kind": TEXT, "attempts": _COUNT, "until": shapes.TIME,
        "for_seconds": SECONDS, "at_once": FLAG, "code": _COUNT, "description": shapes.LONG_TEXT,
        "seconds": shapes.number(0, shapes.MOST_SECONDS),
    },
    "subscribers": {
        "user_id": NAME, "provisioning_id": NAME, "enterprise": NAME, "email": TEXT,
        "package": TEXT, "status": TEXT, "errors": ERRORS, "first_name": TEXT, "last_name": TEXT,
        "primary_phone": TEXT, "mobile_phone": TEXT, "extension": TEXT, "self_activated": FLAG,
        "age_seconds": shapes.number(-1e8, 1e10), "changed_seconds_ago": shapes.number(-1e8, 1e10),
    },
}  # fmt: skip
NEEDED = {
    "accounts": ("token", "name"),
    "provisioning_ids": ("id", "account"),
    "enterprises": ("id", "provisioning_id"),
    "broadworks_users": ("user_id",),
    "addresses": ("email", "kind"),
    "subscribers": ("user_id", "provisioning_id", "enterprise"),
}
#: Settings that are one of a few words.
CHOICES = {
    "repeated_post": ("retry", "refuse"),
    "answers": ("schema", "examples", "letter"),
    "busy": ("conflict", "locked"),
}


class WorldError(ValueError):
    """A world document that cannot be loaded; the text says which entry and why."""


def checked(section: str, entries: object) -> list[Entry]:
    """Return a section's entries without what is null; raises WorldError for one that cannot be."""
    if not isinstance(entries, list):
        raise WorldError(f"{section}: a list expected")
    return [_checked(section, number, entry) for number, entry in enumerate(entries, start=1)]


def _checked(section: str, number: int, entry: object) -> Entry:
    if not isinstance(entry, dict):
        raise WorldError(f"{section}: entry {number} is no object")
    try:
        return shapes.checked(entry, MEMBERS[section], NEEDED[section])
    except ValueError as error:
        raise WorldError(f"{section}: entry {number}: {error}") from None


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
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e8
