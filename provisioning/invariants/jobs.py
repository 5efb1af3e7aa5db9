"""The rules of jobs, of their history and of batches."""
# ruff: noqa: S608 -- every statement is made of this package's own words

from __future__ import annotations

from common.sql import literals
from provisioning import codes
from provisioning.engine.claiming import MAX_SENDS
from provisioning.invariants.rules import Rule
from provisioning.states import FINAL, TRANSITIONS, UNFINISHED, UNFINISHED_MAILS, JobState

_FINAL, _UNFINISHED = literals(FINAL), literals(UNFINISHED)
_SENT = literals(UNFINISHED - {JobState.QUEUED})
_LEGAL = ", ".join(
    f"('{before}', '{after}')" for before, afters in TRANSITIONS.items() for after in sorted(afters)
)
_UNSENT_CODES = literals([codes.ASKER_LEFT])
_JOB = "SELECT j.uuid AS example FROM provisioning_job j"
_BATCH = "SELECT b.uuid AS example FROM provisioning_jobbatch b"
_OF_BATCH = "FROM provisioning_job j WHERE j.batch_id = b.id"
#: Each change with the one before it; the trigger writes them in the order of the row's lock.
_CHANGES = """
    SELECT e.*, lag(e.after) OVER of_job AS former, lead(e.id) OVER of_job AS next
      FROM provisioning_jobevent e WINDOW of_job AS (PARTITION BY e.job_id ORDER BY e.id)
"""

STATES = [
    Rule(
        "I1",
        "a final job has no time of its end, or an unfinished one has",
        f"{_JOB} WHERE (j.state IN ({_FINAL})) <> (j.finished_at IS NOT NULL)",
    ),
    Rule(
        "I1",
        "a final job is still held by a worker",
        f"{_JOB} WHERE j.state IN ({_FINAL}) AND j.lease_until IS NOT NULL",
    ),
    Rule(
        "I1",
        "an unfinished job is past its deadline, the quiet time and a minute",
        f"{_JOB} WHERE j.state IN ({_UNFINISHED}) AND j.deadline_at < %(overdue)s",
        timely=True,
    ),
    Rule(
        "I3",
        "a cancelled job was sent",
        f"{_JOB} WHERE j.state = 'cancelled' AND (j.sends > 0 OR j.intent_at IS NOT NULL)",
    ),
    Rule(
        "I3",
        "a job that says that nothing was sent was sent",
        f"{_JOB} WHERE j.result_code IN ({_UNSENT_CODES}) AND j.sends > 0",
    ),
    Rule(
        "I3",
        "a job is done of which nothing was ever sent",
        f"{_JOB} WHERE j.state = 'done' AND j.sends = 0",
    ),
    Rule(
        "I3",
        f"a job was sent more than {MAX_SENDS} times",
        f"{_JOB} WHERE j.sends > {MAX_SENDS}",
    ),
    Rule(
        "I4",
        "a user has two unfinished jobs",
        f"""SELECT min(j.uuid::text) AS example FROM provisioning_job j
             WHERE j.state IN ({_UNFINISHED})
             GROUP BY j.connection_id, j.template_id, j.enterprise_id, lower(j.broadworks_id)
            HAVING count(*) > 1""",
    ),
    Rule(
        "I4",
        "a row of the list has two unfinished jobs",
        f"""SELECT min(j.uuid::text) AS example FROM provisioning_job j
             WHERE j.state IN ({_UNFINISHED}) AND j.subscriber_id IS NOT NULL
             GROUP BY j.subscriber_id HAVING count(*) > 1""",
    ),
    Rule(
        "I5",
        "a job is being sent, checked or waited for without an intent",
        f"""{_JOB} WHERE j.state IN ({_SENT})
              AND (j.intent_at IS NULL OR j.intent_hash = '' OR j.sends = 0)""",
    ),
    Rule(
        "I5",
        "a job is being sent that no worker holds",
        f"""{_JOB} WHERE j.state = 'sending'
              AND (j.lease_until IS NULL OR j.lease_token IS NULL)""",
    ),
]
HISTORY = [
    Rule(
        "I6",
        "a job changed its state in a way that is not allowed",
        f"""SELECT j.uuid AS example FROM provisioning_jobevent e
              JOIN provisioning_job j ON j.id = e.job_id
             WHERE (e.before, e.after) NOT IN ({_LEGAL})""",
    ),
    Rule(
        "I6",
        "the history of a job has a gap, or does not begin at the beginning",
        f"""SELECT j.uuid AS example FROM ({_CHANGES}) e JOIN provisioning_job j ON j.id = e.job_id
             WHERE e.before <> e.former
                OR (e.former IS NULL AND e.before <> 'queued')""",
    ),
    Rule(
        "I6",
        "the history of a job ends in another state than the job's",
        f"""SELECT j.uuid AS example FROM ({_CHANGES}) e JOIN provisioning_job j ON j.id = e.job_id
             WHERE e.next IS NULL AND e.after <> j.state""",
    ),
    Rule(
        "I6",
        "a job that is not queued has no history",
        f"""{_JOB} WHERE j.state <> 'queued'
              AND NOT (j.state = 'cancelled' AND j.batch_id IS NOT NULL AND j.result_code <> '')
              AND NOT EXISTS (SELECT FROM provisioning_jobevent e WHERE e.job_id = j.id)""",
    ),
    Rule(
        "I6",
        "a job was sent more often than its history knows",
        f"""{_JOB} JOIN (SELECT e.job_id, count(*) FILTER (WHERE e.after = 'sending') AS sent
                           FROM provisioning_jobevent e GROUP BY e.job_id) e ON e.job_id = j.id
             WHERE j.sends > e.sent""",
    ),
]
BATCHES = [
    Rule(
        "I11",
        "a batch has more or fewer jobs than users",
        f"{_BATCH} WHERE b.total <> (SELECT count(*) {_OF_BATCH})",
    ),
    Rule(
        "I11",
        "a batch says that it ended, and has unfinished jobs",
        f"""{_BATCH} WHERE b.finished_at IS NOT NULL
              AND EXISTS (SELECT {_OF_BATCH} AND j.state IN ({_UNFINISHED}))""",
    ),
    Rule(
        "I11",
        "all jobs of a batch ended, and it does not say so",
        f"""{_BATCH} WHERE b.finished_at IS NULL AND b.created_at < %(late)s
              AND NOT EXISTS (SELECT {_OF_BATCH} AND (j.finished_at IS NULL
                                                      OR j.finished_at > %(late)s))""",
        timely=True,
    ),
    Rule(
        "I11",
        "a job is held back, and no batch holds it",
        f"""{_JOB} LEFT JOIN provisioning_jobbatch b ON b.id = j.batch_id
             WHERE j.held AND j.state IN ({_UNFINISHED})
               AND (b.id IS NULL OR (b.released_at < %(late)s AND b.paused_at IS NULL))""",
    ),
    Rule(
        "I11",
        "a job of a batch has another kind or partner than its batch",
        f"""{_JOB} JOIN provisioning_jobbatch b ON b.id = j.batch_id
             WHERE (j.kind, j.partner_id, j.template_id)
                   <> (b.kind, b.partner_id, b.template_id)""",
    ),
]
AUDIT = [
    Rule(
        "I14",
        "an accepted action has no line in the audit log",
        f"""{_JOB} LEFT JOIN provisioning_jobbatch b ON b.id = j.batch_id
             WHERE NOT EXISTS (SELECT FROM accounts_auditevent a
                                WHERE a.after ->> 'job' = j.uuid::text)
               AND NOT EXISTS (SELECT FROM accounts_auditevent a
                                WHERE a.object_type = 'job' AND a.object_id = j.uuid::text
                                  AND a.action = 'job.retry')
               AND NOT EXISTS (SELECT FROM accounts_auditevent a
                                WHERE a.object_type = 'jobbatch' AND a.object_id = b.uuid::text)""",
    ),
    Rule(
        "I14",
        "the audit log tells of a job that was never accepted",
        """SELECT a.after ->> 'job' AS example FROM accounts_auditevent a
            WHERE a.after ->> 'job' IS NOT NULL AND NOT EXISTS (
                  SELECT FROM provisioning_job j WHERE j.uuid::text = a.after ->> 'job')""",
    ),
]
#: Due jobs of a connection that is open, has free places and paid for all that it sent.
QUIET = [
    Rule(
        "I16",
        "a due job lies about, though its connection is open and idle",
        f"""{_JOB} JOIN accounts_backendconnection c ON c.id = j.connection_id
             WHERE j.state IN ({_UNFINISHED}) AND j.lease_until IS NULL AND NOT j.held
               AND j.not_before < %(late)s AND coalesce(c.not_before < %(late)s, true)
               AND coalesce(c.paid_until < %(late)s, true)
               AND NOT EXISTS (SELECT FROM provisioning_job o WHERE o.connection_id = c.id
                                  AND o.lease_until > %(late)s)""",
        timely=True,
    ),
    Rule(
        "I16",
        "the lease of a job is over, and nobody freed the job",
        f"{_JOB} WHERE j.lease_until < %(late)s",
        timely=True,
    ),
    Rule(
        "I16",
        "a mail is due, and nobody sends it",
        f"""SELECT m.uuid AS example FROM provisioning_mail m
            WHERE m.state IN ({literals(UNFINISHED_MAILS)})
              AND coalesce(m.lease_until < %(late)s, true)
              AND coalesce(m.not_before, m.created_at) < %(late)s - interval '1 minute'""",
        timely=True,
    ),
]
RULES = [*STATES, *HISTORY, *BATCHES, *AUDIT, *QUIET]
