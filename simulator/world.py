"""World documents: what the backend knows before the story begins. Loading one twice is harmless.

An entry describes its whole row: a member left out means its default. The format stands in README.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from simulator import broadworks, db, state, world_checks
from simulator.auth import ALL_SCOPES
from simulator.errors import CISCO_TEXTS, ApiError
from simulator.paging import moment
from simulator.rules import ADDRESSES, ENTERPRISES, PASSING_ADDRESSES, PASSING_ENTERPRISES
from simulator.world_checks import WorldError
from simulator.world_rows import ENTERPRISE_ROWS, SUBSCRIBER_ROWS, USER_ROWS
from simulator.world_values import error_bodies, has_im_p, subscriber_values, user_values

__all__ = ["WorldError", "error_bodies", "load", "reset"]

Entry = dict[str, Any]


def load(document: Entry, now: datetime) -> dict[str, int]:
    """Load a document in one transaction; returns the number of entries of each section.

    Raises WorldError, and then nothing is changed.
    """
    if unknown := sorted(document.keys() - SECTIONS.keys()):
        raise WorldError(f"unknown sections: {', '.join(unknown)}")
    checked = {name: world_checks.checked(name, document.get(name, [])) for name in SECTIONS}
    with transaction.atomic():
        for section, load_section in SECTIONS.items():
            try:
                load_section(checked[section], now)
            except WorldError:
                raise
            except (OperationalError, InterfaceError):
                raise
            except (KeyError, ValueError, ApiError, DatabaseError) as error:
                raise WorldError(f"{section}: {_words(error)}") from error
        # Last: an arrival that the document itself describes as a subscriber is not made anew.
        state.changed()
        users = checked["broadworks_users"]
        broadworks.arrive([user["user_id"] for user in users if has_im_p(user)], now)
    return {section: len(entries) for section, entries in checked.items()}


def _words(error: Exception) -> str:
    """Tell what was wrong with a document: something it names is not there, or the database's."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is not known; it must be described first, or in this document"
    if isinstance(error, ApiError):
        return str(error.errors[0]["description"])
    return str(error).partition("\n")[0]


def reset() -> None:
    """Forget everything and begin the next run of the request log, which is never emptied."""
    tables = "account, token, provisioning, enterprise, broadworks_user, subscriber, address"
    others = ", mail, fault, fault_count, allowance"
    names = [f"simulator_{name}" for name in (tables + others).split(", ")]
    # DELETE, not TRUNCATE: quicker on small tables, and no exclusive lock under a reader.
    for name in reversed(names):
        db.execute(f"DELETE FROM {name}")  # noqa: S608 - own words
    db.execute("UPDATE simulator_state SET run = run + 1, scenario = '', since = NULL WHERE id = 1")
    state.changed()


def _accounts(entries: Iterable[Entry], now: datetime) -> None:
    for entry in entries:
        settings = entry.get("settings", {})
        world_checks.check_settings(settings)
        lasts = entry.get("expires_in_seconds")
        account = db.rows(
            "INSERT INTO simulator_account (name, region, settings) VALUES (%s, %s, %s)"
            " ON CONFLICT (name) DO UPDATE SET region = excluded.region,"
            " settings = excluded.settings RETURNING id",
            [entry["name"], entry.get("region", "us"), db.dumps(settings)],
        )[0]
        db.execute(
            "INSERT INTO simulator_token (token, name, account_id, scopes, expires_at)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (token) DO UPDATE SET name = excluded.name,"
            " account_id = excluded.account_id, scopes = excluded.scopes,"
            " expires_at = excluded.expires_at",
            [
                entry["token"],
                entry.get("token_name", entry["name"]),
                account["id"],
                db.dumps(entry.get("scopes", ALL_SCOPES)),
                None if lasts is None else now + timedelta(seconds=lasts),
            ],
        )


def _provisioning_ids(entries: Iterable[Entry], now: datetime) -> None:
    ids = {row["name"]: row for row in db.rows("SELECT id, name, region FROM simulator_account")}
    for entry in entries:
        account = ids[entry["account"]]
        db.execute(
            "INSERT INTO simulator_provisioning (id, account_id, region, cluster)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET"
            " account_id = excluded.account_id, region = excluded.region,"
            " cluster = excluded.cluster",
            [
                entry["id"],
                account["id"],
                entry.get("region", account["region"]),
                entry.get("cluster", f"cluster of {entry['account']}"),
            ],
        )


def _enterprises(entries: list[Entry], now: datetime) -> None:
    clusters = _clusters()
    known = {"", "conflict", *ENTERPRISES, *PASSING_ENTERPRISES}
    values = []
    for entry in entries:
        if entry.get("problem", "") not in known:
            raise WorldError(f"enterprises: unknown problem {entry['problem']}")
        values.append(
            (
                entry["id"],
                entry["provisioning_id"],
                clusters[entry["provisioning_id"]],
                entry.get("is_enterprise", "+" not in entry["id"]),
                entry.get("group", ""),
                entry.get("region", ""),
                entry.get("problem", ""),
                entry.get("attempts"),
                _until(entry, now),
            )
        )
    db.insert_many(ENTERPRISE_ROWS, values)


def _clusters() -> dict[str, str]:
    found = db.rows("SELECT id, cluster FROM simulator_provisioning")
    return {row["id"]: row["cluster"] for row in found}


def _until(entry: Entry, now: datetime) -> datetime | None:
    if "for_seconds" in entry:
        return now + timedelta(seconds=entry["for_seconds"])
    return moment("until", str(entry["until"])) if entry.get("until") else None


def _broadworks_users(entries: list[Entry], now: datetime) -> None:
    found = db.rows("SELECT sp_enterprise_id, provisioning_id FROM simulator_enterprise")
    homes = {row["sp_enterprise_id"]: row["provisioning_id"] for row in found}
    values = [user_values(entry, homes, now) for entry in entries]
    db.insert_many(USER_ROWS, values)


def _addresses(entries: Iterable[Entry], now: datetime) -> None:
    for entry in entries:
        if entry["kind"] not in {*ADDRESSES, *PASSING_ADDRESSES}:
            raise WorldError(f"addresses: unknown kind {entry['kind']}")
        if entry.get("code") and entry["code"] not in CISCO_TEXTS and not entry.get("description"):
            raise WorldError(f"addresses: code {entry['code']} needs a description")
        db.execute(
            "INSERT INTO simulator_address"
            " (email_key, kind, until, attempts, at_once, code, description, seconds)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (email_key) DO UPDATE SET"
            " kind = excluded.kind, until = excluded.until, attempts = excluded.attempts,"
            " at_once = excluded.at_once, code = excluded.code,"
            " description = excluded.description, seconds = excluded.seconds",
            [
                entry["email"].lower(),
                entry["kind"],
                _until(entry, now),
                entry.get("attempts"),
                entry.get("at_once", False),
                entry.get("code"),
                entry.get("description", ""),
                entry.get("seconds"),
            ],
        )


def _subscribers(entries: list[Entry], now: datetime) -> None:
    homes = db.rows("SELECT id, account_id, cluster FROM simulator_provisioning")
    accounts = {row["id"]: (row["account_id"], row["cluster"]) for row in homes}
    users = _names_of({entry["user_id"].lower() for entry in entries})
    values = [subscriber_values(entry, accounts, users, now) for entry in entries]
    db.insert_many(SUBSCRIBER_ROWS, values)
    # A customer exists with its first subscriber.
    _enterprises_of(entries)


def _enterprises_of(entries: list[Entry]) -> None:
    clusters = _clusters()
    seen = {(entry["enterprise"], entry["provisioning_id"]) for entry in entries}
    values = [
        (name, home, clusters[home], "+" not in name, "", "", "", None, None)
        for name, home in sorted(seen)
    ]
    untouched = ENTERPRISE_ROWS.partition("DO UPDATE")[0] + "DO NOTHING"
    db.insert_many(untouched, values)


def _names_of(keys: set[str]) -> dict[str, Entry]:
    sql = (
        "SELECT user_key, first_name, last_name, number AS primary_phone,"
        " mobile AS mobile_phone, extension FROM simulator_broadworks_user"
        " WHERE user_key = ANY(%s)"
    )
    return {row["user_key"]: row for row in db.rows(sql, [list(keys)])}


SECTIONS: dict[str, Callable[[list[Entry], datetime], None]] = {
    "accounts": _accounts,
    "provisioning_ids": _provisioning_ids,
    "enterprises": _enterprises,
    "broadworks_users": _broadworks_users,
    "addresses": _addresses,
    "subscribers": _subscribers,
}
