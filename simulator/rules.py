"""The rules behind the errors: which request is refused, which attempt fails, and with what.

Each cause has Cisco's "validating email" code for the precheck and, where Cisco has one, its
"adding user" code for the attempt to provision. See README, "Rules".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator import db, transitions
from simulator.calls import Call
from simulator.db import Row
from simulator.errors import BACKEND_DOWN, NO_ORGANISATION, ApiError, ErrorBody, cisco, ours, refuse
from simulator.state import Home


@dataclass(frozen=True)
class Cause:
    """Codes of one cause: in a precheck, in an attempt, and the precheck's HTTP status."""

    precheck: int
    attempt: int
    http: int = 400


OTHER_SUBSCRIBER = Cause(200042, 200048, 409)
REGION = Cause(200054, 200054)
USER_ON_CLUSTER = Cause(200044, 200047, 409)
#: Kinds of addresses that are refused.
ADDRESSES = {
    "other_organisation": Cause(200039, 200039, 409),
    "member_of_other_organisation": Cause(200039, 200045, 409),
    "conflicting_entitlement": Cause(200041, 200041, 409),
}
#: Kinds of addresses that pass the precheck.
PASSING_ADDRESSES = ("consumer", "down", "slow", "refused")
#: Problems of a customer's configuration.
ENTERPRISES = {
    "config_set_mismatch": Cause(200040, 200040),
    "mapping_incorrect": Cause(200043, 200043),
    "region_mismatch": REGION,
}
PASSING_ENTERPRISES = ("down",)
#: An address belongs to a subscriber in these statuses; a failed attempt holds nothing.
HOLDING = (
    "provisioning",
    "provisioned",
    "updating",
    "pending_email_validation",
    "pending_user_migration",
)


@dataclass(frozen=True)
class Place:
    """Where a subscriber would go: the provisioning ID's cluster and the customer, if known."""

    provisioning_id: str
    cluster: str
    sp_enterprise_id: str
    enterprise: Row | None
    is_region_right: bool
    has_users: bool


@dataclass(frozen=True)
class Verdict:
    """What becomes of an attempt; `seconds` replaces the usual delay."""

    status: str = "provisioned"
    errors: list[ErrorBody] = field(default_factory=list)
    seconds: float | None = None


# The order makes the index the only cheap way: PostgreSQL would else hope to come upon a row by
# reading the table, and read all of it for a customer without users.
PLACE = """
    SELECT e.id, e.provisioning_id, e.region, e.problem, e.attempts, e.until, (
               SELECT s.id FROM simulator_subscriber s
               WHERE s.provisioning_id = %(home)s AND s.sp_enterprise_id = %(enterprise)s
               AND s.status >= 'provisioned' AND (s.status IN ('provisioned', 'updating')
                    OR s.due_at <= %(now)s AND s.due_status = 'provisioned')
               ORDER BY s.status LIMIT 1) IS NOT NULL AS has_users,
           (SELECT count(pg_advisory_xact_lock(hashtextextended(key, 0)))
            FROM unnest(%(locks)s::text[]) key)
    FROM (SELECT 1) one
    LEFT JOIN simulator_enterprise e
           ON e.cluster = %(cluster)s AND e.sp_enterprise_id = %(enterprise)s
"""
# A service provider has groups ("SP+group"), an enterprise has none: one name cannot be both.
CONFLICTING = """
    SELECT 1 FROM simulator_enterprise
    WHERE cluster = %s AND (sp_enterprise_id = %s OR starts_with(sp_enterprise_id, %s)) LIMIT 1
"""


def place_for(
    call: Call, provisioning_id: str, sp_enterprise_id: str, locks: Sequence[str] = ()
) -> Place:
    """Find the place and refuse a wrong one; `locks` are taken in the order given.

    Raises ApiError: provisioning ID unknown (400) or another partner's (403), 200050 when the
    customer has another provisioning ID, 200051 when its ID clashes on the cluster.
    """
    home = home_of(call, provisioning_id)
    values = {"home": home.id, "cluster": home.cluster, "enterprise": sp_enterprise_id}
    row = db.one(PLACE, values | {"now": call.now, "locks": list(locks)}, prepared=True)
    assert row is not None  # noqa: S101 - the query always yields one row
    is_known = row["id"] is not None
    if is_known and row["provisioning_id"] != home.id:
        other = call.opening.known.homes.get(row["provisioning_id"])
        same_account = other is not None and other.account_id == home.account_id
        raise ApiError(400, [cisco(200050)]) if same_account else ApiError(409, [cisco(200051)])
    if (not is_known and _is_conflicting(home.cluster, sp_enterprise_id)) or (
        row["problem"] == "conflict"
    ):
        raise ApiError(409, [cisco(200051)])
    region = row["region"] or home.region
    return Place(
        home.id,
        home.cluster,
        sp_enterprise_id,
        row if is_known else None,
        region == call.caller.region,
        row["has_users"],
    )


def home_of(call: Call, provisioning_id: str) -> Home:
    """Return the caller's provisioning ID; raises ApiError 400 (unknown), 403 (another's)."""
    home = call.opening.known.homes.get(provisioning_id)
    if home is None:
        raise refuse(400, "Invalid provisioningId: this Provisioning ID is not known to Webex.")
    if home.account_id != call.caller.account_id:
        raise refuse(403, "The provisioningId belongs to another partner.")
    return home


def _is_conflicting(cluster: str, sp_enterprise_id: str) -> bool:
    provider, plus, _ = sp_enterprise_id.partition("+")
    plain = provider if plus else None
    groups_of = None if plus else f"{sp_enterprise_id}+"
    return db.one(CONFLICTING, [cluster, plain, groups_of]) is not None


def customer_cause(place: Place, now: datetime) -> Cause | None:
    """Return what is wrong with the customer's configuration, if anything."""
    if not place.is_region_right:
        return REGION
    if place.enterprise and is_in_force(place.enterprise, now):
        return ENTERPRISES.get(place.enterprise["problem"])
    return None


def is_in_force(row: Row, now: datetime) -> bool:
    """Tell whether a problem with `until` and `attempts` still stands."""
    is_over = row["until"] is not None and row["until"] <= now
    return not is_over and row["attempts"] != 0


_ADDRESS = """
    SELECT a.kind, a.until, a.attempts, a.at_once, a.code, a.description, a.seconds,
        %(email)s <> '' AND EXISTS (
            SELECT 1 FROM simulator_subscriber s
            WHERE s.email_key = %(email)s AND s.email_key <> '' AND s.user_key <> %(user)s
            AND (CASE WHEN s.due_at <= %(now)s THEN s.due_status ELSE s.status END) = ANY(%(held)s)
        ) AS is_taken {more}
    FROM (SELECT 1) one LEFT JOIN simulator_address a ON a.email_key = %(email)s
"""
ADDRESS = _ADDRESS.format(more="")
CLAIM = """
    WITH same AS (
        SELECT id, provisioning_id, sp_enterprise_id, status, coalesce(due_at <= %(now)s, false)
            AS is_due, due_at
        FROM simulator_subscriber WHERE cluster = %(cluster)s AND user_key = %(user)s
        ORDER BY id FOR UPDATE
    )""" + _ADDRESS.format(more=", (SELECT json_agg(same) FROM same) AS same")  # noqa: S608


@dataclass(frozen=True)
class Claim:
    """What an attempt meets: subscribers of its user ID on the cluster, and the address."""

    own: list[Row]
    others: list[Row]
    address: Row


def locks_for(user_id: str, email: str) -> list[str]:
    """Return what two attempts must not do at the same time: one user ID, one address."""
    locks = [f"user {user_id.lower()}"]
    return [*locks, f"address {email.lower()}"] if email else locks


def claim(call: Call, place: Place, user_id: str, email: str) -> Claim:
    """Look at what stands in the way of an attempt; its own subscriber is locked."""
    values = _address_values(email, user_id, call.now) | {"cluster": place.cluster}
    row = db.rows(CLAIM, values, prepared=True)[0]
    if due := [same["id"] for same in row["same"] or () if same["is_due"]]:
        transitions.apply_due_of(due, call.now)
        row = db.rows(CLAIM, values, prepared=True)[0]
    key = (place.provisioning_id, place.sp_enterprise_id)
    same = row.pop("same") or []
    own = [found for found in same if (found["provisioning_id"], found["sp_enterprise_id"]) == key]
    return Claim(own, [found for found in same if found not in own], _in_force(row, call.now))


def address_row(email: str, user_id: str, now: datetime) -> Row:
    """Return what is known of an address: its special kind, and whether someone else has it."""
    return _in_force(db.rows(ADDRESS, _address_values(email, user_id, now))[0], now)


def _address_values(email: str, user_id: str, now: datetime) -> dict[str, Any]:
    keys = {"email": email.lower(), "user": user_id.lower()}
    return keys | {"now": now, "held": list(HOLDING)}


def _in_force(row: Row, now: datetime) -> Row:
    return row | {"kind": (row["kind"] or "") if is_in_force(row, now) else ""}


def address_cause(row: Row) -> Cause | None:
    """Return why an address cannot be used, if so."""
    if row["is_taken"]:
        return OTHER_SUBSCRIBER
    return ADDRESSES.get(row["kind"])


def judge_attempt(place: Place, address: Row, now: datetime) -> Verdict:
    """Decide how an attempt to provision ends."""
    customer = place.enterprise or {"problem": "", "until": None, "attempts": None}
    if cause := customer_cause(place, now) or address_cause(address):
        text = address["description"] if not address["is_taken"] else ""
        return Verdict("error", [cisco(address["code"] or cause.attempt, text or "")])
    if customer["problem"] == "down" and is_in_force(customer, now):
        return Verdict("error", [ours(BACKEND_DOWN)])
    if address["kind"] == "consumer" and not place.has_users:
        return Verdict("error", [ours(NO_ORGANISATION)], address["seconds"])
    return _judge_passing(address)


def _judge_passing(address: Row) -> Verdict:
    seconds = address["seconds"]
    match address["kind"]:
        case "down":
            return Verdict("error", [ours(address["description"] or BACKEND_DOWN)], seconds)
        case "refused":
            text = address["description"] or ""
            error = cisco(address["code"], text) if address["code"] else ours(text)
            return Verdict("error", [error], seconds)
        case "consumer":
            return Verdict("pending_user_migration", [], seconds)
        case "slow":
            return Verdict(seconds=30.0 if seconds is None else seconds)
    return Verdict()


def use_up_attempt(place: Place, address: Row, email: str) -> None:
    """Count an attempt against problems that last a number of attempts."""
    if address["attempts"]:
        db.execute(
            "UPDATE simulator_address SET attempts = attempts - 1"
            " WHERE email_key = %s AND attempts > 0",
            [email.lower()],
        )
    if place.enterprise and place.enterprise["attempts"]:
        db.execute(
            "UPDATE simulator_enterprise SET attempts = attempts - 1"
            " WHERE id = %s AND attempts > 0",
            [place.enterprise["id"]],
        )
