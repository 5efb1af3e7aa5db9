"""`/_control/`: load a world, make things happen, read what happened. Not part of any real API."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from simulator import (
    control_broadworks,
    control_faults,
    control_generate,
    control_log,
    control_scenarios,
    db,
    judge,
    log,
    settings,
    shapes,
    state,
    subscribers,
    transitions,
    world,
    world_checks,
)
from simulator.auth import AccountSettings
from simulator.calls import utc_now
from simulator.payloads import encode_id, isoformat

Body = dict[str, Any]
Handler = Callable[..., Body]
MOST_LINES = 1000
FORCED_MEMBERS = ("status", "errors", "email", "package")
FORCED = """
    SELECT provisioning_id, sp_enterprise_id, user_id, 'forced' AS change
    FROM simulator_subscriber WHERE id = %s
"""
#: What `POST subscribers/<id>` may change.
FORCIBLE = {name: world_checks.MEMBERS["subscribers"][name] for name in FORCED_MEMBERS}
#: What comes closer when time passes. What happens to subscribers must not happen before the
#: present: whoever asks for changes since his last look would never see it.
CLOSER = "{0} - %(ms)s * interval '1 millisecond'"
NOT_BEFORE_NOW = f"greatest({CLOSER}, least({{0}}, %(now)s))"
PASSING = [
    ("simulator_subscriber", NOT_BEFORE_NOW, "due_at"),
    ("simulator_broadworks_user", NOT_BEFORE_NOW, "assign_at"),
    ("simulator_fault", CLOSER, "starts_at", "ends_at"),
    ("simulator_allowance", CLOSER, "at"),
]


def serve(request: HttpRequest, name: str, **arguments: str) -> HttpResponse:
    """Answer a control request: 404 without a configured token, 401 with a wrong one."""
    if not settings.CONTROL_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), settings.CONTROL_TOKEN.encode()):
        return _refusal(401, "wrong control token: SIMULATOR_CONTROL_TOKEN expected as bearer")
    handler = HANDLERS.get((name, request.method or ""))
    if handler is None:
        return _not_allowed(name)
    db.renew_if_lost()
    try:
        return JsonResponse(_carry_out(handler, request, shapes.body_of(request), arguments))
    except ValueError as error:
        return _refusal(400, str(error))
    except (OperationalError, InterfaceError):
        connection.close()
        return _refusal(503, "The database is away. Nothing was changed; try again.")
    except (DatabaseError, KeyError, TypeError, OverflowError) as error:  # nobody foresaw it
        return _refusal(400, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")


def _refusal(status: int, text: str) -> JsonResponse:
    return JsonResponse({"message": text}, status=status)


def _not_allowed(name: str) -> JsonResponse:
    """Refuse a method, and say which there are; raises Http404 for an unknown address."""
    allowed = ", ".join(sorted(method for known, method in HANDLERS if known == name))
    if not allowed:
        raise Http404
    answer = _refusal(405, f"This address takes {allowed}.")
    answer["Allow"] = allowed
    return answer


def _carry_out(
    handler: Handler, request: HttpRequest, body: Body, arguments: dict[str, str]
) -> Body:
    """Do it in one transaction; again when the database ended it for a deadlock."""
    for _ in range(db.MOST_DEADLOCKS):
        try:
            with transaction.atomic():
                return handler(request, body, **arguments)
        except OperationalError as error:
            if not db.is_deadlock(error):
                raise
    with transaction.atomic():
        return handler(request, body, **arguments)


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 once the database does, 503 before, and while an outage covers this too."""
    db.renew_if_lost()
    try:
        db.one("SELECT count(*) FROM simulator_account")
        is_down = control_faults.is_down_for_healthz()
    except (OperationalError, InterfaceError):
        connection.close()
        return JsonResponse({"status": "the database is away"}, status=503)
    return JsonResponse({"status": "down" if is_down else "ok"}, status=503 if is_down else 200)


def _health(request: HttpRequest, body: Body) -> Body:
    db.one("SELECT count(*) FROM simulator_account")
    return {"status": "ok"}


def _load(request: HttpRequest, body: Body) -> Body:
    return {"loaded": world.load(body, utc_now())}


def _reset(request: HttpRequest, body: Body) -> Body:
    world.reset()
    return {"reset": True}


def _mails(request: HttpRequest, body: Body) -> Body:
    transitions.apply_due(utc_now())
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    sql = (
        'SELECT m.token, m."to", m.user_id, m.sent_at, m.subscriber_uid, a.name FROM simulator_mail'
        " m JOIN simulator_account a ON a.id = m.account_id"
        " WHERE (%(to)s = '' OR lower(m.\"to\") = %(to)s) ORDER BY m.id DESC LIMIT %(most)s"
    )
    values = {"to": request.GET.get("to", "").lower(), "most": MOST_LINES}
    mails = [
        {
            "to": row["to"],
            "account": row["name"],
            "user_id": row["user_id"],
            "subscriber_id": encode_id("SUBSCRIBER", row["subscriber_uid"]),
            "sent_at": isoformat(row["sent_at"]),
            "subject": "Move your Webex account",
            "link": f"{base}/consent/{row['token']}",
        }
        for row in db.rows(sql, values)
    ]
    return {"items": mails}


def _force(request: HttpRequest, body: Body, subscriber_id: str) -> Body:
    """Change a subscriber as if Webex had done so itself: the time of change moves on."""
    now, body = utc_now(), shapes.checked(body, FORCIBLE)
    row = subscribers.find(subscriber_id, None, now)
    if row is None:
        raise Http404
    person_due = body.get("status") == "provisioned"
    email = str(body.get("email", row["email"]))
    values = [
        body.get("status", row["status"]),
        db.dumps(world.error_bodies(body.get("errors", []))),
        email,
        email.lower(),
        body.get("package", row["package"]),
        now,
        person_due,
        row["id"],
    ]
    changed = db.rows(
        "UPDATE simulator_subscriber SET status = %s, errors = %s, email = %s, email_key = %s,"
        " package = %s, last_status_change ="
        " greatest(%s, last_status_change + interval '1 millisecond'), person_uid = CASE WHEN %s"
        " THEN coalesce(person_uid, gen_random_uuid()) ELSE person_uid END,"
        " due_at = NULL, due_status = '', due_errors = '[]', changes = '{}'"
        " WHERE id = %s RETURNING *",
        values,
    )[0]
    db.execute(log.NOTE.format(changes=FORCED), [row["id"]])
    shown: Body = json.loads(subscribers.show(changed, AccountSettings()).content)
    return shown


def _advance(request: HttpRequest, body: Body) -> Body:
    """Let time pass for everything that is under way: its due times move closer."""
    given = shapes.checked(body, {"seconds": shapes.SECONDS}, ("seconds",))
    milliseconds, now = round(given["seconds"] * 1000), utc_now()
    moved = 0
    for table, moved_time, *columns in PASSING:
        sets = ", ".join(f"{column} = {moved_time.format(column)}" for column in columns)
        some = " OR ".join(f"{column} IS NOT NULL" for column in columns)
        sql = f"UPDATE {table} SET {sets} WHERE {some}"  # noqa: S608 - own words
        moved += db.execute(sql, {"ms": milliseconds, "now": now})
    state.changed()
    return {"moved": moved}


HANDLERS: dict[tuple[str, str], Handler] = {
    ("health", "GET"): _health,
    ("world", "POST"): _load,
    ("reset", "POST"): _reset,
    ("assign", "POST"): control_broadworks.assign,
    ("unassign", "POST"): control_broadworks.unassign,
    ("users", "GET"): control_broadworks.users,
    ("users", "POST"): control_broadworks.save_users,
    ("users", "DELETE"): control_broadworks.delete_users,
    ("enterprises", "GET"): control_broadworks.enterprises,
    ("scenarios", "GET"): control_scenarios.show,
    ("scenario", "POST"): control_scenarios.load,
    ("generate", "POST"): control_generate.serve,
    ("mails", "GET"): _mails,
    ("subscriber", "POST"): _force,
    ("advance", "POST"): _advance,
    ("requests", "GET"): control_log.requests,
    ("judge", "GET"): judge.serve,
    ("faults", "POST"): control_faults.add,
    ("faults", "GET"): control_faults.show,
    ("faults", "DELETE"): control_faults.clear,
    ("fault", "DELETE"): control_faults.remove,
    ("kinds", "GET"): control_faults.kinds,
    ("rehearsal", "GET"): control_faults.rehearsal,
    ("rehearsal", "DELETE"): control_faults.end_rehearsal,
}
