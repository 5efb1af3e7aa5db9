"""Flow-through: Integrated IM&P assigned to a user makes a subscriber; taken away, it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from simulator import db, log

# What is missing of the users' subscribers; one that exists stays as it is.
_ARRIVE = """
    INSERT INTO simulator_subscriber
        (uid, account_id, provisioning_id, cluster, sp_enterprise_id, user_id, user_key, keyed,
         first_name, last_name, email, email_key, primary_phone, mobile_phone, extension,
         timezone, language, package, status, errors, self_activated, created,
         last_status_change, due_status, due_errors, changes)
    SELECT gen_random_uuid(), p.account_id, p.id, p.cluster, u.sp_enterprise_id, u.user_id,
           u.user_key, true, u.first_name, u.last_name, '', '', u.number, u.mobile, u.extension,
           '', '', u.package, 'pending_email_input', '[]', false, {since}, {since}, '', '[]', '{{}}'
    FROM {users} JOIN simulator_provisioning p ON p.id = u.provisioning_id
    WHERE {which} AND NOT EXISTS (
        SELECT 1 FROM simulator_subscriber s WHERE s.provisioning_id = p.id
        AND s.sp_enterprise_id = u.sp_enterprise_id AND s.user_key = u.user_key)
    ORDER BY {since}, u.user_key
    ON CONFLICT (provisioning_id, sp_enterprise_id, user_key) WHERE keyed DO NOTHING
    RETURNING provisioning_id, sp_enterprise_id, user_id, 'arrived' AS change
"""
_LEAVE = """
    DELETE FROM simulator_subscriber s USING {users} WHERE {which} AND s.user_key = u.user_key
      AND s.provisioning_id = u.provisioning_id AND s.sp_enterprise_id = u.sp_enterprise_id
    RETURNING s.provisioning_id, s.sp_enterprise_id, s.user_id, 'left' AS change
"""
_NAMED = {"users": "simulator_broadworks_user u", "which": "u.user_key = ANY(%(keys)s)"}
_NOTE = log.NOTE.format(changes="SELECT * FROM changed")
_LOGGED = "WITH changed AS ({change}) " + _NOTE
ARRIVE = _LOGGED.format(change=_ARRIVE.format(since="%(now)s", **_NAMED))
LEAVE = _LOGGED.format(change=_LEAVE.format(**_NAMED))
MARK = """
    UPDATE simulator_broadworks_user SET im_p = %s, assign_at = NULL WHERE user_key = ANY(%s)
"""
# One statement, so that of two readers one finds nothing left to do. Rows are locked in one order.
CHANGE_DUE = """
    WITH due AS (
        SELECT user_key, assign_at FROM simulator_broadworks_user
        WHERE assign_at <= %(now)s ORDER BY user_key FOR UPDATE
    ), changed AS (
        UPDATE simulator_broadworks_user u SET im_p = NOT u.im_p, assign_at = NULL
        FROM due WHERE u.user_key = due.user_key
        RETURNING u.*, due.assign_at AS since
    ), gone AS ({leave}), come AS ({arrive})
    {note}
""".format(  # noqa: S608 - own words
    leave=_LEAVE.format(users="changed u", which="NOT u.im_p"),
    arrive=_ARRIVE.format(since="u.since", users="changed u", which="u.im_p"),
    note=log.NOTE.format(changes="SELECT * FROM gone UNION ALL SELECT * FROM come"),
)


def assign(user_ids: Sequence[str], now: datetime) -> int:
    """Assign Integrated IM&P; returns how many subscribers arrived."""
    db.execute(MARK, [True, [user_id.lower() for user_id in user_ids]])
    return arrive(user_ids, now)


def arrive(user_ids: Sequence[str], now: datetime) -> int:
    """Make the missing subscribers of users who have it; returns how many arrived."""
    return db.execute(ARRIVE, {"now": now, "keys": [user_id.lower() for user_id in user_ids]})


def unassign(user_ids: Sequence[str]) -> int:
    """Take Integrated IM&P away; returns how many subscribers disappeared."""
    keys = [user_id.lower() for user_id in user_ids]
    db.execute(MARK, [False, keys])
    return db.execute(LEAVE, {"keys": keys})


def delete(user_ids: Sequence[str]) -> int:
    """Delete users, and with them their logins; returns how many subscribers disappeared."""
    keys = [user_id.lower() for user_id in user_ids]
    disappeared = db.execute(LEAVE, {"keys": keys})
    db.execute("DELETE FROM simulator_broadworks_user WHERE user_key = ANY(%s)", [keys])
    return disappeared


def change_due(now: datetime) -> int:
    """Carry out the assignments and removals whose time has come; returns how many."""
    return db.execute(CHANGE_DUE, {"now": now})
