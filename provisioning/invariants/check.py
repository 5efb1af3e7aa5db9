"""What must be true of our tables at every moment, whatever died: set-based, read-only SQL.

The names I1 to I16 are those of the invariants that the engine is built to keep; ELSEWHERE says
where those are proven that tables cannot tell. `manage.py check_invariants` is the way in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction

from provisioning.invariants import files as file_rules
from provisioning.invariants import jobs as job_rules
from provisioning.invariants import rows as row_rules
from provisioning.invariants.rules import Finding, Rule
from provisioning.timing import GRACE_SECONDS, LEASE_SECONDS, scaled

#: Longest time that one question may keep the database busy.
STATEMENT_SECONDS = 60
#: How long something due may lie while workers run: a lost hint costs two seconds.
LATE_SECONDS = 10
EXAMPLES = 5

#: In the order in which they are asked and told.
RULES: list[Rule] = [*job_rules.RULES, *row_rules.RULES]

#: What our tables cannot tell, and where it is proven.
ELSEWHERE = {
    "I2": "an answer to the browser means a committed row: make chaos, F20; tests of the web layer",
    "I3": "effects at the backend: check_invariants --simulator; tests of the state machine",
    "I5": "nothing is sent without its intent: check_invariants --simulator",
    "I8": "effects in the order of acceptance: check_invariants --simulator",
    "I9": "no request before a Retry-After is over: check_invariants --simulator; make chaos, F10",
    "I10": "one partner's trouble slows no other: make bench; make chaos, F25",
    "I13": "no secret in logs, mails, Redis: check_invariants --canary for the tables; make chaos",
}


def check(now: datetime, *, timely: bool = True) -> list[Finding]:
    """Ask everything; an empty list means that all is well.

    `now` is the database's clock (timing.now). `timely=False` leaves out what only running workers
    can keep, such as that nothing due lies about: for moments when there are none. Each question
    is a read-only statement of its own with a time limit; one that takes longer is a finding, too.
    """
    rules = [rule for rule in RULES if timely or not rule.timely]
    values = _values(now)
    found = [_ask(rule, values) for rule in rules]
    return [finding for finding in [*found, *file_rules.check()] if finding]


def _values(now: datetime) -> dict[str, Any]:
    late = now - timedelta(seconds=LATE_SECONDS)
    return {"now": now, "late": late, "overdue": late - scaled(GRACE_SECONDS + LEASE_SECONDS)}


def _ask(rule: Rule, values: dict[str, Any]) -> Finding | None:
    try:
        rows = _rows(rule.sql, values)
    except OperationalError as error:  # the time limit, mostly
        return Finding(rule.invariant, f"could not be checked: {rule.what}", 1, [str(error)[:200]])
    if not rows:
        return None
    return Finding(rule.invariant, rule.what, rows[0][1], [str(row[0]) for row in rows])


def _rows(sql: str, values: dict[str, Any]) -> Sequence[tuple[Any, int]]:
    """The first few examples, each with how many there are in all."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_guarded(sql), values)
        return list(cursor.fetchall())


def _guarded(sql: str) -> str:
    """The question with what keeps it from doing harm, in one message."""
    return f"""
        SET LOCAL transaction_read_only = on;
        SET LOCAL statement_timeout = {int(STATEMENT_SECONDS * 1000)};
        {_counted(sql)}
    """


def _counted(sql: str) -> str:
    return f"SELECT example, count(*) OVER () FROM ({sql}) found LIMIT {EXAMPLES}"  # noqa: S608
