"""`POST /broadworks/subscribers`: a new subscriber, or a new attempt for one without success."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, JsonResponse

from simulator import bodies, db, payloads, rules, transitions
from simulator.bodies import Body
from simulator.calls import Call
from simulator.db import Row
from simulator.errors import ApiError, cisco
from simulator.rules import Place
from simulator.transitions import Step

MANDATORY = ("provisioningId", "userId", "spEnterpriseId", "firstName", "lastName", "package")
BUSY = ("provisioning", "provisioned", "updating")
SAME_USER = """
    SELECT id, provisioning_id, sp_enterprise_id, status, due_at, last_status_change
    FROM simulator_subscriber WHERE cluster = %s AND user_key = %s ORDER BY id FOR UPDATE
"""
INSERT = """
    INSERT INTO simulator_subscriber
        (uid, account_id, provisioning_id, cluster, sp_enterprise_id, user_id, user_key, keyed,
         self_activated, created, first_name, last_name, email, email_key, primary_phone,
         mobile_phone, extension, timezone, language, package, status, errors,
         last_status_change, due_at, due_status, due_errors, changes)
    VALUES (%(uid)s, %(account_id)s, %(provisioning_id)s, %(cluster)s, %(sp_enterprise_id)s,
            %(user_id)s, %(user_key)s, %(keyed)s, false, %(now)s, %(first_name)s, %(last_name)s,
            %(email)s, %(email_key)s, %(primary_phone)s, %(mobile_phone)s, %(extension)s,
            %(timezone)s, %(language)s, %(package)s, %(status)s, '[]', %(now)s, %(due_at)s,
            %(due_status)s, %(due_errors)s, '{}')
    ON CONFLICT (provisioning_id, sp_enterprise_id, user_key) WHERE keyed DO NOTHING RETURNING *
"""
# What a repeated request leaves out stays as it was, but for the address.
RETRY = """
    UPDATE simulator_subscriber SET
        first_name = %(first_name)s, last_name = %(last_name)s, email = %(email)s,
        email_key = %(email_key)s, package = %(package)s,
        primary_phone = coalesce(nullif(%(primary_phone)s, ''), primary_phone),
        mobile_phone = coalesce(nullif(%(mobile_phone)s, ''), mobile_phone),
        extension = coalesce(nullif(%(extension)s, ''), extension),
        timezone = coalesce(nullif(%(timezone)s, ''), timezone),
        language = coalesce(nullif(%(language)s, ''), language),
        status = %(status)s, errors = '[]', due_at = %(due_at)s, due_status = %(due_status)s,
        due_errors = %(due_errors)s, changes = '{}',
        last_status_change = CASE WHEN status = %(status)s AND errors = '[]'
            THEN last_status_change
            ELSE greatest(%(now)s, last_status_change + interval '1 millisecond') END
    WHERE id = %(id)s RETURNING *
"""


def provision(call: Call) -> HttpResponse:
    """Accept an attempt to provision; its outcome shows later, by itself.

    Refused at once: 1001, 1002, an unknown provisioning ID, 200050, 200051, 200046, 200047, 10022.
    """
    body = bodies.read(call.request)
    call.user_id = body.get("userId", "")
    call.provisioning_id = body.get("provisioningId", "")
    call.sp_enterprise_id = body.get("spEnterpriseId", "")
    bodies.require(body, *MANDATORY)
    bodies.check(body)
    place = rules.place_for(call, body["provisioningId"], body["spEnterpriseId"])
    if body.get("email"):
        # Two attempts with one address are judged one after the other.
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [body["email"].lower()])
    row = _attempt(call, body, place)
    return JsonResponse(payloads.subscriber(row, call.caller.settings))


def _attempt(call: Call, body: Body, place: Place) -> Row:
    existing = _existing(call, body, place)
    if existing is None:
        row = db.one(INSERT, _identity(call, body, place) | _values(call, body, place, 0))
        if row is not None:
            _note_customer(place)
            call.change = "created"
            return row
        # Another request with the same key was faster: this one comes second.
        existing = _existing(call, body, place)
    if existing is None:  # and it is gone again already
        raise ApiError(409, [cisco(10022)])
    values = _values(call, body, place, existing["id"])
    row = db.one(RETRY, values | {"id": existing["id"]})
    assert row is not None  # noqa: S101 - the row is locked
    call.change = "renewed"
    return row


def _existing(call: Call, body: Body, place: Place) -> Row | None:
    """Return the subscriber that this attempt renews, None for a new one; raises ApiError."""
    if not call.caller.settings.unique_key:
        return None
    user_key = body["userId"].lower()
    found = db.rows(SAME_USER, [place.cluster, user_key])
    if due := [row["id"] for row in found if row["due_at"] and row["due_at"] <= call.now]:
        transitions.apply_due_of(due, call.now)
        found = db.rows(SAME_USER, [place.cluster, user_key])
    key = (place.provisioning_id, place.sp_enterprise_id)
    own = [row for row in found if (row["provisioning_id"], row["sp_enterprise_id"]) == key]
    if len(own) < len(found) or len(own) > 1:
        pending = [row for row in found if row["status"].startswith("pending")]
        raise ApiError(409, [cisco(200046 if len(pending) > 1 else 200047)])
    if own and (own[0]["status"] in BUSY or call.caller.settings.repeated_post == "refuse"):
        raise ApiError(409, [cisco(10022)])
    return own[0] if own else None


def _identity(call: Call, body: Body, place: Place) -> dict[str, Any]:
    return {
        "uid": uuid.uuid4(),
        "account_id": call.caller.account_id,
        "provisioning_id": place.provisioning_id,
        "cluster": place.cluster,
        "sp_enterprise_id": place.sp_enterprise_id,
        "user_id": body["userId"],
        "user_key": body["userId"].lower(),
        "keyed": call.caller.settings.unique_key,
    }


def _values(call: Call, body: Body, place: Place, own_id: int) -> dict[str, Any]:
    email = body.get("email", "")
    step = _step(call, body, place, own_id) if email else None
    values = {column: body.get(name, "") for name, column in bodies.COLUMNS.items()}
    return values | {
        "email": email,
        "email_key": email.lower(),
        "language": body.get("language", ""),
        "status": "provisioning" if step else "pending_email_input",
        "now": call.now,
        "due_at": step.due_at if step else None,
        "due_status": step.status if step else "",
        "due_errors": db.dumps(step.errors if step else []),
    }


def _step(call: Call, body: Body, place: Place, own_id: int) -> Step:
    address = rules.address_row(body["email"], own_id, body["userId"], call.now)
    verdict = rules.judge_attempt(place, address, call.now)
    rules.use_up_attempt(place, address, body["email"])
    if verdict.errors and address["at_once"]:
        raise ApiError(409, verdict.errors)
    seconds = [verdict.seconds] if verdict.seconds is not None else _usual_seconds(call, place)
    due_at = transitions.due_in(call.now, seconds, call.caller.settings.scale)
    return Step(verdict.status, due_at, verdict.errors)


def _usual_seconds(call: Call, place: Place) -> list[float]:
    # The first user of a customer makes its organisation, which takes longer (77600z).
    settings = call.caller.settings
    return settings.provision_seconds if place.has_users else [settings.first_user_seconds]


def _note_customer(place: Place) -> None:
    """Remember a customer at its first subscriber: from now on it has its provisioning ID."""
    if place.enterprise is None:
        db.execute(
            "INSERT INTO simulator_enterprise (uid, org_uid, sp_enterprise_id, provisioning_id,"
            ' cluster, is_enterprise, "group", region, problem)'
            " VALUES (gen_random_uuid(), gen_random_uuid(), %s, %s, %s, %s, '', '', '')"
            " ON CONFLICT (cluster, sp_enterprise_id) DO NOTHING",
            [
                place.sp_enterprise_id,
                place.provisioning_id,
                place.cluster,
                "+" not in place.sp_enterprise_id,
            ],
        )
