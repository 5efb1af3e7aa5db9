"""The rules of the list's rows, of tenancy, and of secrets that must not be legible."""
# ruff: noqa: S608 -- every statement is made of this package's own words

from __future__ import annotations

from common.sql import literals
from provisioning.invariants.rules import Rule
from provisioning.states import UNFINISHED_EXPORTS, Status

_ROW = "SELECT s.uuid AS example FROM provisioning_subscriber s"
_SHOWN_STATUS = f"""
    CASE WHEN s.backend_status = '{Status.WAITING_ADDRESS}' AND EXISTS (
              SELECT FROM provisioning_activation a
               WHERE a.subscriber_id = s.id AND a.state = 'mail_sent')
         THEN '{Status.WAITING_CONFIRMATION}' ELSE s.backend_status END
"""
_NEWEST_ERROR = """
    SELECT e.error FROM (VALUES (1, s.backend_error), (2, s.job_error), (3, s.activation_error))
           e (place, error)
     WHERE e.error <> '{}' ORDER BY (e.error ->> 'at')::timestamptz DESC, e.place LIMIT 1
"""

SHOWN = [
    Rule(
        "I7",
        "a row shows another status than the backend's",
        f"{_ROW} WHERE s.deleted_at IS NULL AND s.status <> {_SHOWN_STATUS}",
    ),
    Rule(
        "I7",
        "a row shows another error than the newest of its three",
        f"""{_ROW} LEFT JOIN LATERAL ({_NEWEST_ERROR}) newest ON true
             WHERE s.deleted_at IS NULL
               AND (s.backend_error, s.job_error, s.activation_error, s.error_code, s.error_text)
                   IS DISTINCT FROM ('{{}}', '{{}}', '{{}}', '', '')
               AND (s.error_code, s.error_text, s.error_tracking_id, s.error_at)
                   IS DISTINCT FROM (coalesce(newest.error ->> 'code', ''),
                                     coalesce(newest.error ->> 'text', ''),
                                     coalesce(newest.error ->> 'tracking_id', ''),
                                     (newest.error ->> 'at')::timestamptz)""",
    ),
    Rule(
        "I7",
        "a row's timeline ends in another status than the row's",
        f"""{_ROW} JOIN LATERAL (
                 SELECT e.after FROM provisioning_statusevent e
                  WHERE e.subscriber_id = s.id
                    AND e.what IN ('arrived', 'status', 'error', 'restored')
                  ORDER BY e.at DESC, e.id DESC LIMIT 1) told ON true
             WHERE s.deleted_at IS NULL AND told.after <> s.status""",
    ),
    Rule(
        "I7",
        "a row was seen at a time that has not come yet",
        f"{_ROW} WHERE s.seen_at > %(now)s + interval '1 minute'",
    ),
    Rule(
        "I7",
        "a row has no Webex ID, and no job that replaces its subscriber",
        f"""{_ROW} WHERE s.deleted_at IS NULL AND s.webex_id IS NULL AND NOT EXISTS (
                   SELECT FROM provisioning_job j
                    WHERE j.subscriber_id = s.id AND j.step = 'post')""",
    ),
]


def _foreign(what: str, table: str, *others: str) -> Rule:
    """Rows whose partner is not that of what they belong to; others as "table.column"."""
    tables = {
        "template_id": "templates_app_onboardingtemplate",
        "connection_id": "accounts_backendconnection",
        "subscriber_id": "provisioning_subscriber",
        "activation_id": "provisioning_activation",
        "batch_id": "provisioning_jobbatch",
    }
    clauses = [
        f"EXISTS (SELECT FROM {tables[other]} o WHERE o.id = t.{other}"
        " AND o.partner_id <> t.partner_id)"
        for other in others
    ]
    sql = f"SELECT t.uuid AS example FROM provisioning_{table} t WHERE {' OR '.join(clauses)}"
    return Rule("I15", f"{what} belongs to two partners", sql)


TENANTS = [
    _foreign("a user", "subscriber", "template_id", "connection_id"),
    _foreign(
        "a job", "job", "template_id", "connection_id", "subscriber_id", "activation_id", "batch_id"
    ),
    _foreign("a batch", "jobbatch", "template_id", "connection_id"),
    _foreign("a run of the portal", "activation", "template_id", "subscriber_id"),
    _foreign("an export", "export", "template_id"),
]
EXPORTS = [
    Rule(
        "I12",
        "an export is ready without size, hash or time",
        """SELECT e.uuid AS example FROM provisioning_export e WHERE e.state = 'ready'
              AND (e.size = 0 OR length(e.sha256) <> 64 OR e.ready_at IS NULL)""",
    ),
    Rule(
        "I12",
        "an export has been on its way for more than an hour",
        f"""SELECT e.uuid AS example FROM provisioning_export e
            WHERE e.state IN ({literals(UNFINISHED_EXPORTS)})
              AND e.created_at < %(late)s - interval '1 hour'""",
        timely=True,
    ),
]
#: What a value would look like that nobody sealed or hashed.
_MEMBERS = "'password', 'passwd', 'token', 'access_token', 'authorization', 'secret'"
SECRETS = [
    Rule(
        "I13",
        "the token of a connection is not sealed",
        """SELECT p.name AS example FROM accounts_backendconnection c
             JOIN accounts_partner p ON p.id = c.partner_id
            WHERE c.token_sealed <> ''
              AND (length(c.token_sealed) < 40 OR c.token_sealed NOT LIKE '%%:%%')""",
    ),
    Rule(
        "I13",
        "a password or the key of a mailed link is kept in clear",
        """SELECT u.uuid AS example FROM accounts_user u
            WHERE u.password NOT LIKE '%%$%%' AND u.password NOT LIKE '!%%'
            UNION ALL SELECT a.uuid FROM provisioning_activation a
            WHERE a.token_hash !~ '^([0-9a-f]{64})?$' OR a.code_hash !~ '^([0-9a-f]{64})?$'""",
    ),
    Rule(
        "I13",
        "a job's orders or the audit log have a member for a secret",
        f"""SELECT j.uuid::text AS example FROM provisioning_job j
             WHERE j.params ?| ARRAY[{_MEMBERS}]
             UNION ALL SELECT a.id::text FROM accounts_auditevent a
             WHERE a.before ?| ARRAY[{_MEMBERS}] OR a.after ?| ARRAY[{_MEMBERS}]""",
    ),
]
LISTS = [
    Rule(
        "I7",
        "a list counts more or fewer users than it has",
        """SELECT t.uuid AS example
             FROM (SELECT template_id, status, package, error_key, count(*) AS n
                     FROM provisioning_subscriber WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4) x
             FULL JOIN (SELECT template_id, status, package, error_key, sum(n) AS n
                          FROM provisioning_usercount GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0) told
                 USING (template_id, status, package, error_key)
             LEFT JOIN templates_app_onboardingtemplate t ON t.id = template_id
            WHERE x.n IS DISTINCT FROM told.n""",
    ),
    Rule(
        "I7",
        "a user is looked up or sorted by other texts than the row's",
        """SELECT coalesce(s.uuid::text, x.subscriber_id::text) AS example
             FROM (SELECT * FROM provisioning_subscriber WHERE deleted_at IS NULL) s
             FULL JOIN provisioning_usertext x ON x.subscriber_id = s.id
            WHERE s.name_key IS DISTINCT FROM provisioning_name_key(s.first_name, s.last_name)
               OR (x.template_id, x.broadworks_id, x.name_key)
                  IS DISTINCT FROM (s.template_id, s.broadworks_id, s.name_key)
               OR x.text IS DISTINCT FROM provisioning_search_text(
                      s.broadworks_id, s.first_name, s.last_name, s.email, s.primary_phone,
                      s.mobile_phone, s.extension)""",
    ),
]
RULES = [*SHOWN, *LISTS, *EXPORTS, *TENANTS, *SECRETS]
