"""The request log: one line with each effect, and afterwards whether its answer went out."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from simulator import answers, db, payloads
from simulator.calls import Call, utc_now
from simulator.db import Row
from simulator.faults import Strike

WRITE = """
    INSERT INTO simulator_request
        (run, at, finished_at, token_name, method, path, operation, provisioning_id,
         sp_enterprise_id, user_id, body_hash, effect, change, status, outcome, fault, hold_until,
         tracking_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
# What happens to subscribers without a request to the API; `changes` gives keys and words.
NOTE = """
    INSERT INTO simulator_request
        (run, at, finished_at, token_name, method, path, operation, provisioning_id,
         sp_enterprise_id, user_id, body_hash, effect, change, status, outcome, fault, tracking_id)
    SELECT s.run, clock_timestamp(), clock_timestamp(), '', '', '', 'control', c.provisioning_id,
           c.sp_enterprise_id, c.user_id, '', true, c.change, 200, '', '', ''
    FROM ({changes}) c, simulator_state s WHERE s.id = 1
"""
ASIDE = """
    INSERT INTO simulator_request
        (run, at, finished_at, token_name, method, path, operation, provisioning_id,
         sp_enterprise_id, user_id, body_hash, effect, change, status, outcome, fault, tracking_id)
    SELECT run, %s, %s, '', %s, %s, %s, %s, %s, %s, '', %s, %s, %s, '', '', %s
    FROM simulator_state WHERE id = 1 RETURNING id
"""
SUBSCRIBER_KEY = """
    SELECT provisioning_id, sp_enterprise_id, user_id FROM simulator_subscriber WHERE uid = %s
"""
#: Operations that change a subscriber, hence whose subscriber the judge must know.
MUTATIONS = frozenset({"provision", "update", "remove"})
#: Answers whose Retry-After is a request to wait.
HOLDING = frozenset({423, 429, 503})
LONGEST_HOLD = timedelta(days=365)


def new_tracking_id() -> str:
    """Return a tracking ID of the form that Webex's have."""
    return f"ROUTERGW_{uuid.uuid4()}"


def write(call: Call, response: HttpResponseBase, strike: Strike | None) -> None:
    """Write the line of a request, with its effect or without; the caller's transaction."""
    if strike is not None and not call.user_id and call.operation in MUTATIONS:
        _identify(call)
    finished = utc_now()
    values = [
        call.opening.run,
        call.arrived_at or call.now,
        finished,
        call.token_name,
        call.request.method,
        db.storable(call.request.get_full_path()),
        call.operation,
        db.storable(call.provisioning_id),
        db.storable(call.sp_enterprise_id),
        db.storable(call.user_id),
        call.body_hash,
        bool(call.change),
        call.change,
        response.status_code,
        call.outcome,
        db.storable(strike.words) if strike else "",
        hold_until(response, finished),
        call.tracking_id,
    ]
    call.request.META[answers.LINE] = db.insert_last(WRITE, values)


def hold_until(response: HttpResponseBase, now: datetime) -> datetime | None:
    """Return until when an answer asks to wait; None when it doesn't, or not in a legal form.

    RFC 9110, 10.2.3: a number of seconds or an HTTP-date.
    """
    text = response.headers.get("Retry-After", "")
    if response.status_code not in HOLDING or not text:
        return None
    if text.isascii() and text.isdecimal():
        seconds = min(int(text), LONGEST_HOLD.total_seconds()) if len(text) < 12 else 0
        return now + timedelta(seconds=seconds)
    try:
        wait = parsedate_to_datetime(text) - _date_of(response, now)
    except (ValueError, TypeError):
        return None
    return now + min(wait, LONGEST_HOLD)


def _date_of(response: HttpResponseBase, now: datetime) -> datetime:
    """Return the answer's own clock, which an HTTP-date is to be read by."""
    text = response.headers.get("Date")
    return parsedate_to_datetime(text) if text else now


def _identify(call: Call) -> None:
    """Note whom a request is about that was struck before anything looked at it."""
    if call.operation == "provision":
        try:
            body = json.loads(call.request.body)
            call.concerns(
                {
                    "provisioning_id": str(body["provisioningId"]),
                    "sp_enterprise_id": str(body["spEnterpriseId"]),
                    "user_id": str(body["userId"]),
                }
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # then nobody can tell
        return
    uid = payloads.decode_id("SUBSCRIBER", call.arguments["subscriber_id"])
    row = db.one(SUBSCRIBER_KEY, [uid]) if uid else None
    if row is not None:
        call.concerns(row)


def write_aside(
    request: HttpRequest,
    operation: str,
    status: int,
    *,
    row: Row | None = None,
    change: str = "",
    tracking_id: str = "",
) -> None:
    """Write the line of a request that did not come through the API or did not get far."""
    now = utc_now()
    key = row or {"provisioning_id": "", "sp_enterprise_id": "", "user_id": ""}
    values = [
        now,
        now,
        request.method,
        db.storable(request.get_full_path()),
        operation,
        *(key[name] for name in ("provisioning_id", "sp_enterprise_id", "user_id")),
        bool(change),
        change,
        status,
        tracking_id,
    ]
    request.META[answers.LINE] = db.tuples(ASIDE, values)[0][0]
