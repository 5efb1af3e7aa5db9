"""List, get, update and remove subscribers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.http import HttpResponse

from simulator import bodies, db, locks, paging, payloads, rules, transitions
from simulator.auth import AccountSettings
from simulator.bodies import Body
from simulator.calls import Call
from simulator.db import Row
from simulator.errors import ApiError, cisco, refuse


def list_page(call: Call) -> HttpResponse:
    """Answer one page, newest first, with a `Link` to the next one."""
    query = call.request.GET
    call.user_id = query.get("userId", "")
    call.provisioning_id = query.get("provisioningId", "")
    size = paging.page_size(call.request, default=paging.DEFAULT_MAX, largest=paging.LARGEST_MAX)
    conditions = paging.filters(query)
    conditions.add("s.account_id = %s", call.caller.account_id)
    skipped = paging.begin(call.request, conditions, "s.id < %s")
    if query.get("provisioningId"):
        rules.home_of(call, query["provisioningId"])
    if call.opening.is_due:
        transitions.apply_due(call.now)
    sql = f"SELECT s.id, s.shown FROM simulator_subscriber s WHERE {conditions.sql}"  # noqa: S608
    values = [*conditions.values, size + 1, skipped]
    found = db.tuples(f"{sql} ORDER BY s.id DESC LIMIT %s OFFSET %s", values)
    settings = call.caller.settings
    items = ", ".join(payloads.subscriber(shown, settings) for _, shown in found[:size])
    response = payloads.as_json(f'{{"items": [{items}]}}')
    if len(found) > size:
        response["Link"] = paging.next_link(call, paging.encode_cursor(found[size - 1][0]))
    return response


def get(call: Call) -> HttpResponse:
    """Answer one subscriber."""
    return show(load(call), call.caller.settings)


def show(row: Row, settings: AccountSettings) -> HttpResponse:
    """Answer a subscriber as it stands."""
    return payloads.as_json(payloads.subscriber(row["shown"], settings))


def load(call: Call) -> Row:
    """Return the subscriber of the path, locked, with what was due; raises ApiError 404."""
    row = find(call.arguments["subscriber_id"], call.caller.account_id, call.now)
    if row is None:
        raise refuse(404, "The subscriber does not exist.")
    call.concerns(row)
    return row


def find(public_id: str, account_id: int | None, now: datetime) -> Row | None:
    """Return a subscriber of an account (None: of any), locked, after applying what is due."""
    uid = payloads.decode_id("SUBSCRIBER", public_id)
    if uid is None:
        return None
    sql = "SELECT * FROM simulator_subscriber WHERE uid = %s FOR UPDATE"
    row = db.one(sql, [uid])
    if row is None or account_id not in {None, row["account_id"]}:
        return None
    if row["due_at"] and row["due_at"] <= now:
        transitions.apply_due_of([row["id"]], now)
        row = db.one(sql, [uid])
    return row


def remove(call: Call) -> HttpResponse:
    """Remove the mapping: the subscriber is gone, in whatever status it was."""
    row = load(call)
    locks.require_unlocked(call, row)
    db.execute("DELETE FROM simulator_subscriber WHERE id = %s", [row["id"]])
    call.change = "removed"
    return HttpResponse(status=204)


def update(call: Call) -> HttpResponse:
    """Change names, numbers or package.

    Provisioned: `updating`, and the new values show once it is `provisioned` again (published
    document). Waiting or failed: the values change at once, the status stays.
    """
    body = bodies.read(call.request)
    bodies.check(body)
    row = load(call)
    locks.require_unlocked(call, row)
    if row["status"] in locks.UNDER_WAY:
        raise refuse(409, f"The subscriber is {row['status']}: update it once that has ended.")
    changes = _changes(body, row)
    is_same = str(body.get("userId") or row["user_id"]).lower() == row["user_key"]
    if body.get("userId") and body["userId"] != row["user_id"]:
        row = _rename(row, body["userId"])
    row = _start(call, row, changes) if row["status"] == "provisioned" else _set(row, changes)
    call.change = "updated" if is_same else "renamed"
    return show(row, call.caller.settings)


def _changes(body: Body, row: Row) -> dict[str, Any]:
    changes = {column: body[name] for name, column in bodies.COLUMNS.items() if name in body}
    if not all(body.get(name, "x") for name in ("userId", "firstName", "lastName", "package")):
        raise refuse(400, "userId, firstName, lastName and package cannot be empty.")
    # "The user must have either a primary phone number or an extension configured."
    numbers = {"primary_phone", "extension"}
    if numbers & changes.keys() and not any(changes.get(n, row[n]) for n in numbers):
        raise refuse(400, "A primaryPhoneNumber or an extension must remain.")
    return changes


def _rename(row: Row, user_id: str) -> Row:
    others = "SELECT 1 FROM simulator_subscriber WHERE cluster = %s AND user_key = %s AND id <> %s"
    if row["keyed"] and db.one(others, [row["cluster"], user_id.lower(), row["id"]]):
        raise ApiError(409, [cisco(10022)])
    sql = "UPDATE simulator_subscriber SET user_id = %s, user_key = %s WHERE id = %s RETURNING *"
    try:
        with db.savepoint():
            return db.rows(sql, [user_id, user_id.lower(), row["id"]])[0]
    except IntegrityError:
        raise ApiError(409, [cisco(10022)]) from None


def _start(call: Call, row: Row, changes: dict[str, Any]) -> Row:
    settings = call.caller.settings
    due_at = transitions.due_in(call.now, settings.update_seconds, settings.scale)
    sql = """
        UPDATE simulator_subscriber SET status = 'updating', due_at = %s, changes = %s,
            due_status = 'provisioned', due_errors = '[]', errors = '[]',
            last_status_change = greatest(%s, last_status_change + interval '1 millisecond')
        WHERE id = %s RETURNING *
    """
    return db.rows(sql, [due_at, db.dumps(changes), call.now, row["id"]])[0]


def _set(row: Row, changes: dict[str, Any]) -> Row:
    if not changes:
        return row
    assignments = ", ".join(f"{name} = %s" for name in changes)
    sql = f"UPDATE simulator_subscriber SET {assignments} WHERE id = %s RETURNING *"  # noqa: S608
    return db.rows(sql, [*changes.values(), row["id"]])[0]
