"""`/_control/broadworks/…`: what an engineer does in BroadWorks: users, customers, IM&P."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from simulator import broadworks, db, shapes, transitions, world, world_checks
from simulator.calls import utc_now
from simulator.payloads import isoformat
from simulator.world import WorldError

Body = dict[str, Any]
MOST = 1000
#: Columns of a user by the names that they have in world documents; never the password.
USER = (
    "u.user_id, u.first_name, u.last_name, u.sp_enterprise_id AS enterprise, u.provisioning_id,"
    ' u."group", u.number, u.extension, u.mobile, u.package, u.im_p, u.locked, u.locked_answer,'
    " u.answer_status, u.max_failures, u.password_expires_days"
)
USERS = f"""
    SELECT {USER}, u.failures, u.assign_at, s.status AS subscriber_status
    FROM simulator_broadworks_user u LEFT JOIN LATERAL (
        SELECT status FROM simulator_subscriber s WHERE s.user_key = u.user_key
        AND s.provisioning_id = u.provisioning_id AND s.sp_enterprise_id = u.sp_enterprise_id
        ORDER BY s.id DESC LIMIT 1
    ) s ON true
    WHERE u.user_key > %(after)s AND (%(enterprise)s = '' OR u.sp_enterprise_id = %(enterprise)s)
      AND (%(group)s = '' OR u."group" = %(group)s)
      AND (%(provisioning_id)s = '' OR u.provisioning_id = %(provisioning_id)s)
      AND (%(im_p)s = '' OR u.im_p = (%(im_p)s = 'true')) AND strpos(u.user_key, %(q)s) > 0
    ORDER BY u.user_key LIMIT %(limit)s
"""  # noqa: S608 - own words
FILTERS = ("enterprise", "group", "provisioning_id", "im_p")
#: Whom an assignment or a removal is for.
CHOICE = {
    "user_id": shapes.NAME,
    "user_ids": shapes.TEXTS,
    "enterprise": shapes.NAME,
    "group": shapes.TEXT,
    "provisioning_id": shapes.TEXT,
}
# Only users of the enterprises shown are counted.
ENTERPRISES = """
    SELECT e.sp_enterprise_id AS id, e.provisioning_id, e.cluster, e.is_enterprise, e."group",
           e.region, e.problem, u.users, u.with_im_p, u.groups
    FROM (
        SELECT * FROM simulator_enterprise
        WHERE (%(provisioning_id)s = '' OR provisioning_id = %(provisioning_id)s)
        ORDER BY sp_enterprise_id, id LIMIT %(limit)s
    ) e, LATERAL (
        SELECT count(*) AS users, count(*) FILTER (WHERE im_p) AS with_im_p,
               coalesce(array_agg(DISTINCT "group") FILTER (WHERE "group" <> ''), '{}') AS groups
        FROM simulator_broadworks_user
        WHERE sp_enterprise_id = e.sp_enterprise_id AND provisioning_id = e.provisioning_id
    ) u
    ORDER BY e.sp_enterprise_id, e.id
"""
KNOWN = f"""
    SELECT {USER}, u.password,
           CASE WHEN u.im_p THEN left_seconds END AS unassign_after_seconds,
           CASE WHEN NOT u.im_p THEN left_seconds END AS assign_after_seconds
    FROM simulator_broadworks_user u,
         LATERAL (SELECT extract(epoch FROM u.assign_at - %(now)s)::float AS left_seconds) t
    WHERE u.user_key = %(key)s
"""  # noqa: S608 - own words
MEMBERS_OF = """
    SELECT user_key FROM simulator_broadworks_user
    WHERE sp_enterprise_id = %(enterprise)s AND (%(group)s = '' OR "group" = %(group)s)
      AND (%(provisioning_id)s = '' OR provisioning_id = %(provisioning_id)s) ORDER BY user_key
"""


def users(request: HttpRequest, body: Body) -> Body:
    """Return BroadWorks users by user ID, with the status of each one's subscriber.

    Filters: `enterprise`, `group`, `provisioning_id`, `im_p` (true, false), `q` (part of the user
    ID), `after` (a user ID), `limit`.
    """
    transitions.apply_due(utc_now())
    query = request.GET
    values: Body = {name: query.get(name, "") for name in FILTERS}
    values["after"], values["q"] = query.get("after", "").lower(), query.get("q", "").lower()
    values["limit"] = _limit(request)
    found = db.rows(USERS, values)
    for row in found:
        row["assign_at"] = isoformat(row["assign_at"]) if row["assign_at"] else None
    return {"items": found}


def enterprises(request: HttpRequest, body: Body) -> Body:
    """Return enterprises and groups, with their users counted; filter: `provisioning_id`."""
    transitions.apply_due(utc_now())
    values = {"provisioning_id": request.GET.get("provisioning_id", ""), "limit": _limit(request)}
    return {"items": db.rows(ENTERPRISES, values)}


def save_users(request: HttpRequest, body: Body) -> Body:
    """Create or change users: `{"users": [entries of a world document]}`, or one entry alone.

    A user who exists keeps what an entry leaves out; a new one without a password gets one, and the
    answer tells it.
    """
    now = utc_now()
    entries = world_checks.checked("broadworks_users", body.get("users", [body]))
    before = [_known(entry["user_id"], now) for entry in entries]
    passwords = [{} if known else {"password": secrets.token_urlsafe(9)} for known in before]
    both = list(zip(entries, before, passwords, strict=True))
    document = [password | (known or {}) | entry for entry, known, password in both]
    world.load({"broadworks_users": document}, now)
    leaving = [e["user_id"] for e, known, _ in both if known and e.get("im_p") is False]
    broadworks.unassign(leaving)
    return {
        "users": [
            {"user_id": entry["user_id"], "created": known is None}
            | ({} if "password" in entry else password)
            for entry, known, password in both
        ]
    }


def assign(request: HttpRequest, body: Body) -> Body:
    """Assign Integrated IM&P to users, a group, or everybody of an enterprise."""
    return {"arrived": broadworks.assign(_chosen(body), utc_now())}


def unassign(request: HttpRequest, body: Body) -> Body:
    """Take Integrated IM&P from users, a group, or everybody of an enterprise."""
    return {"disappeared": broadworks.unassign(_chosen(body))}


def delete_users(request: HttpRequest, body: Body) -> Body:
    """Delete users, a group, or everybody of an enterprise; their subscribers disappear."""
    chosen = _chosen(body)
    return {"disappeared": broadworks.delete(chosen), "deleted": len(chosen)}


def _chosen(body: Body) -> list[str]:
    body = shapes.checked(body, CHOICE)
    if not body.keys() & {"user_id", "user_ids", "enterprise"}:
        raise WorldError("who? user_id, user_ids or enterprise expected")
    if "enterprise" in body:
        values = {"enterprise": body["enterprise"]}
        others = {name: body.get(name, "") for name in ("group", "provisioning_id")}
        found = [row["user_key"] for row in db.rows(MEMBERS_OF, values | others)]
        if not found:
            raise WorldError(
                f"nobody is there: {body['enterprise']} {body.get('group', '')}".strip()
            )
        return found
    user_ids = body["user_ids"] if "user_ids" in body else [body["user_id"]]
    known = "SELECT user_key FROM simulator_broadworks_user WHERE user_key = ANY(%s)"
    keys = [user_id.lower() for user_id in user_ids]
    there = {row["user_key"] for row in db.rows(known, [keys])}
    if missing := [key for key in keys if key not in there]:
        raise WorldError(f"no such BroadWorks user: {', '.join(missing)}")
    return keys


def _known(user_id: str, now: datetime) -> Body | None:
    row = db.one(KNOWN, {"key": user_id.lower(), "now": now})
    return {name: value for name, value in row.items() if value is not None} if row else None


def _limit(request: HttpRequest) -> int:
    return max(1, shapes.whole_of(request.GET, "limit", MOST, MOST))
