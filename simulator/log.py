"""The request log: one line with each effect, and afterwards whether its answer went out."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db import connection
from django.http.response import HttpResponseBase

from simulator import answers
from simulator.calls import Call, utc_now
from simulator.faults import Strike

WRITE = """
    INSERT INTO simulator_request
        (run, at, finished_at, token_name, method, path, operation, provisioning_id,
         sp_enterprise_id, user_id, body_hash, effect, change, status, outcome, fault, hold_until,
         tracking_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
#: Answers whose Retry-After is a request to wait.
HOLDING = frozenset({423, 429, 503})
LONGEST_HOLD = timedelta(days=365)


def new_tracking_id() -> str:
    """Return a tracking ID of the form that Webex's have."""
    return f"ROUTERGW_{uuid.uuid4()}"


def write(call: Call, response: HttpResponseBase, strike: Strike | None) -> None:
    """Write the line of a request, with its effect or without; the caller's transaction."""
    finished = utc_now()
    values = [
        call.opening.run,
        call.now,
        finished,
        call.token_name,
        call.request.method,
        call.request.get_full_path().replace("\x00", ""),
        call.operation,
        call.provisioning_id.replace("\x00", ""),
        call.sp_enterprise_id.replace("\x00", ""),
        call.user_id.replace("\x00", ""),
        call.body_hash,
        bool(call.change),
        call.change,
        response.status_code,
        call.outcome,
        strike.words.replace("\x00", "") if strike else "",
        hold_until(response, finished),
        call.tracking_id,
    ]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)
        call.request.META[answers.LINE] = cursor.fetchone()[0]


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
        return min(parsedate_to_datetime(text), now + LONGEST_HOLD)
    except (ValueError, TypeError):
        return None
