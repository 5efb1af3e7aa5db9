"""Clear answers that say no: too many, locked, token over, server in trouble."""

from __future__ import annotations

import dataclasses
import math
from datetime import timedelta

from django.db import transaction
from django.http import HttpResponse

from simulator import db, limits, state
from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds import retry_after
from simulator.kinds.base import API, CHANGES, Effect, Kind, Option, refusal

CLOSED = "closed"
CLOSE = """
    INSERT INTO simulator_fault (kind, options, token_name, operation, contains, probability,
                                 script, count_by, seed, times, hits, starts_at, ends_at, scenario)
    VALUES (%s, %s, %s, '*', %s, 1, '', 'all', '', NULL, 0, %s, %s, '')
"""
OVER = "DELETE FROM simulator_fault WHERE kind = %s AND ends_at < %s"
WAITS = {"form": retry_after.FORM, "seconds": retry_after.SECONDS}
HOLD = Option(False, "go on refusing until `seconds` are over, whatever the header said")
TEXTS = {
    401: "Authentication credentials were missing or incorrect.",
    403: "The access token lacks the scope for this request.",
    423: "The requested resource is temporarily unavailable. Try again later.",
    429: limits.TEXT,
    500: "Something went wrong on the server.",
    503: "Server is overloaded with requests. Try again later.",
}


def _refused(call: Call, status: int, strike: Strike) -> HttpResponse:
    plan = strike.options
    headers = retry_after.headers(plan["form"], plan["seconds"], call.now)
    return refusal(call, status, TEXTS.get(status, f"Trouble on the server ({status})."), headers)


def _too_many(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    if strike.options["hold"]:
        _close(strike, call, 429, "")
    return _refused(call, 429, strike)


def _locked(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    if strike.options["hold"]:
        _close(strike, call, 423, call.subject.replace("\x00", ""))
    return _refused(call, 423, strike)


def _close(strike: Strike, call: Call, status: int, subject: str) -> None:
    """Refuse this token (and subject) until the announced time is over."""
    until = call.now + timedelta(seconds=strike.options["seconds"])
    options = db.dumps({"status": status})
    with transaction.atomic():
        db.execute(OVER, [CLOSED, call.now])
        db.execute(CLOSE, [CLOSED, options, call.token_name, subject, call.now, until])
        state.changed()


def _still_closed(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    status, ends_at = strike.options["status"], strike.fault.ends_at
    left = math.ceil((ends_at - call.now).total_seconds()) if ends_at else 60
    return refusal(call, status, TEXTS[status], [("Retry-After", str(max(1, left)))])


def _over_the_limit(strike: Strike, call: Call) -> Strike | None:
    plan = strike.options
    bucket = f"fault {strike.fault.id}: {call.token_name}"
    rate, burst = plan["requests_per_minute"], plan["burst"]
    if seconds := limits.seconds_to_wait(bucket, rate, burst, call.now):
        return dataclasses.replace(strike, options=plan | {"form": "seconds", "seconds": seconds})
    return None


def _rate_limited(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    return _refused(call, 429, strike)


def _token_refused(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    return refusal(call, 401, TEXTS[401], [("WWW-Authenticate", 'Bearer realm="webex"')])


def _scope_lost(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    return refusal(call, 403, TEXTS[403])


def _error_before(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    return None if strike.options["effect"] else _refused(call, strike.options["status"], strike)


def _error_after(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    return _refused(call, strike.options["status"], strike)


KINDS = (
    Kind(
        "too_many_requests",
        "Too many requests (429)",
        "Refuses with 429 and any form of Retry-After, legal or not.",
        WAITS | {"hold": HOLD},
        API,
        instead=_too_many,
    ),
    Kind(
        "rate_limit",
        "A limit on requests per minute (429)",
        "Each token may make so many requests; more are refused with the true time to wait.",
        {
            "requests_per_minute": Option(60, "how fast the allowance fills", least=0.01, most=1e6),
            "burst": Option(5, "how many requests may come at once", least=1, most=1e6),
        },
        API,
        prepare=_over_the_limit,
        instead=_rate_limited,
    ),
    Kind(
        "locked",
        "One subscriber is locked (423)",
        "Refuses with 423 and Retry-After; others are served.",
        WAITS | {"hold": HOLD},
        ("get", *CHANGES),
        instead=_locked,
    ),
    Kind(
        CLOSED,
        "Closed for a time",
        "Refuses until the fault's time is over, with the true rest as Retry-After. The option"
        " `hold` of others makes these.",
        {"status": Option(429, "HTTP status", values=(423, 429, 503))},
        instead=_still_closed,
    ),
    Kind(
        "server_error",
        "The server is in trouble (408, 5xx)",
        "An error before the effect or after it; nobody who only sees the answer can tell which.",
        {
            "status": Option(500, "HTTP status", values=(408, 500, 502, 503, 504)),
            "effect": Option(False, "the request has its effect nevertheless"),
            "form": dataclasses.replace(retry_after.FORM, default="absent"),
            "seconds": retry_after.SECONDS,
        },
        instead=_error_before,
        answer=_error_after,
    ),
    Kind(
        "token_refused",
        "The token is over (401)",
        "401, as if the token had expired or been revoked.",
        {},
        API,
        instead=_token_refused,
    ),
    Kind(
        "scope_lost",
        "The token lost its right (403)",
        "403, as if an administrator had taken the scope away.",
        {},
        API,
        instead=_scope_lost,
    ),
)
