"""`POST /broadworks/subscribers`: a new subscriber, or a new attempt for one without success."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse

from simulator import bodies, db, locks, payloads, rules, transitions
from simulator.bodies import Body
from simulator.calls import Call
from simulator.db import Row
from simulator.errors import ApiError, cisco
from simulator.rules import Claim, Place
from simulator.transitions import Step

MANDATORY = ("provisioningId", "userId", "spEnterpriseId", "firstName", "lastName", "package")
BUSY = ("provisioning", "provisioned", "updating")
INSERT = """
    INSERT INTO simulator_subscriber AS s
        (uid, account_id, provisioning_id, cluster, sp_enterprise_id, user_id, user_key, keyed,
         self_activated, created, first_name, last_name, email, email_key, primary_phone,
         mobile_phone, extension, timezone, language, package, status, errors,
         last_status_change, due_at, due_status, due_errors, changes)
    VALUES (%(uid)s, %(account_id)s, %(provisioning_id)s, %(cluster)s, %(sp_enterprise_id)s,
            %(user_id)s, %(user_key)s, %(keyed)s, false, %(now)s, %(first_name)s, %(last_name)s,
            %(email)s, %(email_key)s, %(primary_phone)s, %(mobile_phone)s, %(extension)s,
            %(timezone)s, %(language)s, %(package)s, %(status)s, '[]', %(now)s, %(due_at)s,
            %(due_status)s, %(due_errors)s, '{}')
    ON CONFLICT (provisioning_id, sp_enterprise_id, user_key) WHERE keyed DO NOTHING
    RETURNING s.shown
"""
# What a repeated request leaves out stays as it was, but for the address.
RETRY = """
    UPDATE simulator_subscriber s SET
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
    WHERE id = %(id)s RETURNING s.shown
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
    keys = rules.locks_for(body["userId"], body.get("email", ""))
    place = rules.place_for(call, body["provisioningId"], body["spEnterpriseId"], keys)
    return payloads.as_json(_attempt(call, body, place))


def _attempt(call: Call, body: Body, place: Place) -> str:
    """Make or renew the subscriber; returns its answer."""
    claim = rules.claim(call, place, body["userId"], body.get("email", ""))
    own = _existing(call, claim)
    values = _values(call, body, place, claim)
    if own is None:
        found = db.one(INSERT, _identity(call, body, place) | values, prepared=True)
        _note_customer(place)
    else:
        found = db.one(RETRY, values | {"id": own["id"]})
    if found is None:  # something that waits for nobody was faster, such as a world document
        raise ApiError(409, [cisco(10022)])
    call.change = "renewed" if own else "created"
    return payloads.subscriber(found["shown"], call.caller.settings)


def _existing(call: Call, claim: Claim) -> Row | None:
    """Return the subscriber that this attempt renews, None for a new one; raises ApiError."""
    settings = call.caller.settings
    if not settings.unique_key:
        return None
    if claim.others or len(claim.own) > 1:
        pending = [row for row in claim.own + claim.others if row["status"].startswith("pending")]
        raise ApiError(409, [cisco(200046 if len(pending) > 1 else 200047)])
    own = claim.own[0] if claim.own else None
    if own:
        locks.require_unlocked(call, own)
    if own and (own["status"] in BUSY or settings.repeated_post == "refuse"):
        raise ApiError(409, [cisco(10022)])
    return own


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


def _values(call: Call, body: Body, place: Place, claim: Claim) -> dict[str, Any]:
    email = body.get("email", "")
    step = _step(call, place, claim, email) if email else None
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


def _step(call: Call, place: Place, claim: Claim, email: str) -> Step:
    verdict = rules.judge_attempt(place, claim.address, call.now)
    rules.use_up_attempt(place, claim.address, email)
    if verdict.errors and claim.address["at_once"]:
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
