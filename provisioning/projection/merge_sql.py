"""The statements that bring staged answers into our rows: a fixed number, however many they are.

In all of them `a` is an answer (staging.py) and `s` the row of that subscriber.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database

from common import sql
from provisioning.projection.staging import COPIED
from provisioning.shown_status import SHOWN, TOLD_AT, derive
from provisioning.states import UNFINISHED

#: Older by the backend's clock; where that cannot tell, whatever was asked for earlier than what
#: the row holds (promise 2).
_OLDER = """
    COALESCE(a.backend_changed_at < NULLIF(s.backend_changed_at, a.backend_changed_at),
             a.asked_at < s.seen_at)
"""
#: Another status and no time that tells which of the two came first: the subscriber can, a list
#: cannot.
_UNSURE = """
    (a.listed AND a.backend_status <> s.backend_status
     AND COALESCE(a.backend_changed_at = s.backend_changed_at, a.backend_changed_at IS NULL))
"""
_UNFINISHED = sql.literals(UNFINISHED)
_PLAIN = [name for name in COPIED if name != "backend_changed_at"]
#: It says what the row does not hold yet.
_CHANGES = f"""
    (ROW (s.template_id, {", ".join(f"s.{name}" for name in _PLAIN)})
     IS DISTINCT FROM ROW (a.template_id, {", ".join(f"a.{name}" for name in _PLAIN)})
     OR s.backend_changed_at IS DISTINCT FROM COALESCE(a.backend_changed_at, s.backend_changed_at)
     OR s.backend_error <> a.backend_error
        AND ROW (s.backend_error ->> 'code', s.backend_error ->> 'text')
            IS DISTINCT FROM ROW (a.backend_error ->> 'code', a.backend_error ->> 'text')
     OR a.backend_status = 'provisioned'
        AND (s.job_error <> '{{}}' OR s.activation_error <> '{{}}'))
"""
#: It says what we know; that it does is worth keeping only where an answer that was asked for
#: earlier may still be on its way and could not be told from a newer one: without a time of the
#: backend, and while a job of the user has sent something. (Of a list see _UNSURE.)
_CONFIRMS = f"""
    (a.asked_at > s.seen_at AND (
        a.backend_changed_at IS NULL OR a.job_id IS NOT NULL OR s.id IN (
            SELECT j.subscriber_id FROM provisioning_job j
             WHERE j.connection_id = %(connection)s
               AND j.state IN ({_UNFINISHED}) AND j.state <> 'queued'
        )
    ))
"""  # noqa: S608 - own words
_LIVE = """
    provisioning_subscriber s ON s.connection_id = %(connection)s
        AND s.webex_id = a.webex_id AND s.deleted_at IS NULL
"""
_EVENT = """
    INSERT INTO provisioning_statusevent
        (subscriber_id, at, cause, actor_label, what, before, after,
         error_code, text, tracking_id, job_id)
"""

# What is to be done with the rows that the answers are about. Nothing is locked: a row that stays
# as it is needs no lock, and the others are looked at again under theirs.
_PLAN = f"""
    INSERT INTO answer_plan (position, row_id, act)
    SELECT a.position, s.id, CASE WHEN {_OLDER} THEN 'leave' WHEN {_UNSURE} THEN 'ask'
                                  WHEN {_CHANGES} THEN 'write' WHEN {_CONFIRMS} THEN 'confirm'
                                  ELSE 'leave' END
      FROM answer_staged a JOIN {_LIVE}
    RETURNING position, row_id, act
"""  # noqa: S608 - own words
_LOCK = """
    SELECT count(*) FROM (
        SELECT FROM answer_plan p JOIN provisioning_subscriber s ON s.id = p.row_id
         WHERE p.act IN ('write', 'confirm') ORDER BY s.id FOR NO KEY UPDATE OF s
    ) locked
"""
# Whether some of those without a live row may have another: a user who waits for a new ID, or who
# was deleted.
_MAY_BE_KNOWN = """
    SELECT EXISTS (SELECT FROM provisioning_subscriber s
                    WHERE s.connection_id = %(connection)s AND s.webex_id IS NULL
                      AND s.deleted_at IS NULL)
        OR EXISTS (SELECT FROM answer_staged a JOIN provisioning_subscriber s
                       ON s.connection_id = %(connection)s AND s.webex_id = a.webex_id
                          AND s.deleted_at IS NOT NULL
                    WHERE a.position = ANY(%(positions)s))
"""
# We deleted the user after the answer was asked for: it tells of the past.
_LEAVE_DELETED = """
    DELETE FROM answer_staged a USING provisioning_subscriber s
     WHERE a.position = ANY(%(positions)s) AND s.connection_id = %(connection)s
       AND s.webex_id = a.webex_id AND s.deleted_at >= a.asked_at
"""
_HALFWAY = """
    s.connection_id = %(connection)s AND s.webex_id IS NULL AND s.deleted_at IS NULL
    AND s.template_id = a.template_id AND s.broadworks_id = a.broadworks_id
    AND s.enterprise_id = a.enterprise_id
"""
# It tells of the subscriber that a retry by DELETE and POST deleted.
_LEAVE_REPLACED = f"""
    DELETE FROM answer_staged a USING provisioning_subscriber s, provisioning_job j
     WHERE a.position = ANY(%(positions)s) AND a.job_id IS NULL AND {_HALFWAY}
       AND j.subscriber_id = s.id AND j.step = 'post' AND j.params ->> 'webex_id' = a.webex_id
"""  # noqa: S608 - own words
# A retry by DELETE and POST made a new ID: the row is the user, and keeps its place. Or the
# subscriber was thought to be deleted.
_PLAN_OTHERS = f"""
    WITH halfway AS (
        SELECT min(a.position) AS position, s.id
          FROM answer_staged a JOIN provisioning_subscriber s ON {_HALFWAY}
         WHERE a.position = ANY(%(positions)s) GROUP BY s.id
    ), gone AS (
        SELECT DISTINCT ON (a.position) a.position, s.id
          FROM answer_staged a JOIN provisioning_subscriber s
            ON s.connection_id = %(connection)s AND s.webex_id = a.webex_id
         WHERE a.position = ANY(%(positions)s) AND s.deleted_at < a.asked_at
           AND a.position NOT IN (SELECT position FROM halfway)
         ORDER BY a.position, s.deleted_at DESC
    )
    INSERT INTO answer_plan (position, row_id, act)
    SELECT * FROM (
        SELECT a.position, s.id, 'restore'
          FROM (SELECT * FROM halfway UNION ALL SELECT * FROM gone) found
          JOIN answer_staged a USING (position)
          JOIN provisioning_subscriber s ON s.id = found.id
         WHERE {_HALFWAY} OR s.webex_id = a.webex_id AND s.deleted_at IS NOT NULL AND NOT {_OLDER}
         ORDER BY s.id FOR NO KEY UPDATE OF s
    ) due
    RETURNING position, row_id, act
"""  # noqa: S608 - own words
# Jobs that wait for the backend's outcome, where an answer that is not older may be it. They come
# first: beside a batch just accepted the planner would compare each answer with each user.
_WAITING = f"""
    WITH s AS MATERIALIZED (
        SELECT s.*, j.id AS waiting_id
          FROM provisioning_job j
          JOIN provisioning_subscriber s ON s.id = j.subscriber_id AND s.deleted_at IS NULL
         WHERE j.connection_id = %(connection)s AND s.connection_id = %(connection)s
           AND j.state IN ({_UNFINISHED}) AND j.state = 'waiting'
    )
    SELECT DISTINCT s.waiting_id
      FROM s JOIN answer_staged a ON a.webex_id = s.webex_id
     WHERE a.job_id IS NULL AND NOT {_OLDER} AND NOT {_UNSURE}
"""  # noqa: S608 - own words
_CONFIRM = """
    UPDATE provisioning_subscriber s SET seen_at = GREATEST(s.seen_at, a.asked_at)
      FROM answer_plan p JOIN answer_staged a USING (position)
     WHERE s.id = p.row_id AND p.act = 'confirm'
"""
_TAKEN = ", ".join(["template_id", "webex_id", "backend_error", *_PLAIN])
_SHOWN_NAMES, _SHOWN_VALUES = ", ".join(SHOWN), ", ".join(SHOWN.values())
_WRITE = f"""
    WITH due AS (
        SELECT s.id, {", ".join(f"a.{name}" for name in _TAKEN.split(", "))},
               COALESCE(a.backend_changed_at, s.backend_changed_at) AS backend_changed_at,
               a.asked_at, a.cause, a.job_id, COALESCE(a.backend_changed_at, %(now)s) AS changed_at,
               CASE WHEN a.backend_status = 'provisioned' THEN '{{}}' ELSE s.job_error END
                   AS job_error,
               CASE WHEN a.backend_status = 'provisioned' THEN '{{}}' ELSE s.activation_error END
                   AS activation_error,
               s.deleted_at IS NOT NULL AS restored, s.status AS old_status,
               s.error_code AS old_code, s.error_text AS old_text, s.package AS old_package,
               s.deleted_at IS NOT NULL OR s.backend_status <> 'provisioned' AS was_not
          FROM answer_plan p JOIN answer_staged a USING (position)
          JOIN provisioning_subscriber s ON s.id = p.row_id
         WHERE p.act = 'restore' OR p.act = 'write' AND NOT {_OLDER}
               AND s.webex_id = a.webex_id AND s.deleted_at IS NULL
    ), derived AS ({derive("due")}), new AS (
        UPDATE provisioning_subscriber s
           SET ({_TAKEN}) = ROW ({", ".join(f"d.{name}" for name in _TAKEN.split(", "))}),
               backend_changed_at = d.backend_changed_at,
               seen_at = GREATEST(s.seen_at, d.asked_at),
               job_error = d.job_error, activation_error = d.activation_error,
               ({_SHOWN_NAMES}) = ROW ({_SHOWN_VALUES}),
               last_change_at = GREATEST(d.changed_at, s.last_change_at),
               deleted_at = NULL, deleted_by = '', deleted_here = false, version = s.version + 1
          FROM derived d WHERE s.id = d.id
        RETURNING s.id, s.template_id, s.enterprise_id, s.backend_status, s.status, s.package,
                  s.error_code, s.error_text, s.error_tracking_id, d.cause, d.job_id,
                  d.restored, d.old_status, d.old_code, d.old_text, d.old_package, d.was_not
    ), told AS (
        {_EVENT}
        SELECT new.id, {TOLD_AT}, new.cause, '', e.what, e.before, e.after,
               new.error_code, new.error_text, new.error_tracking_id, new.job_id
          FROM new CROSS JOIN LATERAL (VALUES
              (1, 'restored', '', new.status, new.restored),
              (2, 'status', new.old_status, new.status,
               ROW (new.old_status, new.old_code, new.old_text)
               <> ROW (new.status, new.error_code, new.error_text)),
              (3, 'package', new.old_package, new.package, new.old_package <> new.package)
          ) AS e (place, what, before, after, is_due)
         WHERE e.is_due ORDER BY new.id, e.place
    )
    SELECT DISTINCT new.template_id, new.enterprise_id
      FROM new JOIN templates_app_onboardingtemplate t ON t.id = new.template_id
     WHERE t.provision_admin_first AND new.backend_status = 'provisioned' AND new.was_not
"""  # noqa: S608 - own words
# In the order of their Webex IDs, so that two processes that meet the same subscribers wait for
# each other and not in a circle. The second then finds that its row is there already, and fails.
_INSERT = f"""
    WITH due AS (
        SELECT NULL::bigint AS id, a.*,
               '{{}}'::jsonb AS job_error, '{{}}'::jsonb AS activation_error
          FROM answer_staged a
         WHERE a.position = ANY(%(positions)s)
           AND a.position NOT IN (SELECT position FROM answer_plan)
           AND NOT EXISTS (
            SELECT FROM provisioning_subscriber s
             WHERE s.connection_id = %(connection)s AND s.webex_id = a.webex_id
               AND s.deleted_at IS NOT NULL
           )
    ), derived AS ({derive("due")}), added AS (
        INSERT INTO provisioning_subscriber
            (uuid, partner_id, connection_id, {_TAKEN}, backend_changed_at, seen_at,
             job_error, activation_error, {_SHOWN_NAMES}, last_change_at, version,
             is_customer_administrator, deleted_at, deleted_by, deleted_here)
        SELECT gen_random_uuid(), %(partner)s, %(connection)s, {_TAKEN}, backend_changed_at,
               asked_at, job_error, activation_error, {_SHOWN_VALUES},
               COALESCE(backend_changed_at, %(now)s), 1, false, NULL, '', false
          FROM derived d ORDER BY webex_id
        RETURNING *
    ), new AS (
        SELECT added.*, due.position, due.cause, due.job_id FROM added JOIN due USING (webex_id)
    ), told AS (
        {_EVENT}
        SELECT id, {TOLD_AT}, cause, '', 'arrived', '', status,
               error_code, error_text, error_tracking_id, job_id
          FROM new ORDER BY id
    )
    SELECT new.position, new.id, new.template_id, new.enterprise_id,
           t.provision_admin_first AND new.backend_status = 'provisioned'
      FROM new JOIN templates_app_onboardingtemplate t ON t.id = new.template_id
"""  # noqa: S608 - own words


class MergeStatements:
    """The statements with what they have in common; for the length of one transaction."""

    def __init__(self, *, connection: int, partner: int, now: datetime, are_few: bool) -> None:
        self._values: dict[str, Any] = {"connection": connection, "partner": partner, "now": now}
        self._are_few = are_few  # answers: then a plan that was made for few serves

    def plan(self) -> list[tuple[int, int, str]]:
        """Judge the answers about live rows; returns for each its place, the row and what is due:
        "write", "confirm", "ask" (it may be older or newer than the row) or "leave".
        """
        return self._fetch(_PLAN)

    def lock(self) -> None:
        """Hold the rows that are to be written, in the order of their ids."""
        self._fetch(_LOCK)

    def plan_others(self, positions: Sequence[int]) -> list[tuple[int, int, str]]:
        """Leave out what tells of the past; lock rows that wait for a new ID, or were deleted.

        Returns those as plan() does, to be written ("restore").
        """
        [(is_needed,)] = self._fetch(_MAY_BE_KNOWN, positions=positions)
        if not is_needed:
            return []
        self._fetch(_LEAVE_DELETED, positions=positions)
        self._fetch(_LEAVE_REPLACED, positions=positions)
        return self._fetch(_PLAN_OTHERS, positions=positions)

    def waiting_jobs(self) -> list[int]:
        """Jobs that one of the answers may end; to be asked before the rows are written."""
        return [row[0] for row in self._fetch(_WAITING)]

    def confirm(self) -> None:
        """Keep when rows that stay as they are were last asked for."""
        self._fetch(_CONFIRM)

    def write(self) -> set[tuple[int, str]]:
        """Write the locked rows; returns templates and enterprises that have an active user now, so
        that nobody there waits for the first one (*provision admin first*).
        """
        return set(self._fetch(_WRITE))

    def insert(self, positions: Sequence[int]) -> tuple[dict[int, int], set[tuple[int, str]]]:
        """Make rows of the answers that are left; returns them, and the same as write().

        Raises:
            django.db.IntegrityError: another process met one of them at the same moment.
        """
        new = self._fetch(_INSERT, positions=positions)
        active = {(template, enterprise) for *_, template, enterprise, first in new if first}
        return {position: key for position, key, *_ in new}, active

    def _fetch(self, statement: str, **values: Any) -> list[Any]:
        if self._are_few:
            return sql.prepared(statement, self._values | values)
        with database.cursor() as cursor:
            cursor.execute(statement, self._values | values)
            return list(cursor.fetchall()) if cursor.description else []
