"""The judge: what the request log says about the client that was tried against this backend.

Plain SQL over one run of the log. A mutation is a provision, an update or a remove; its natural key
is (provisioningId, spEnterpriseId, userId), the user ID in any case. Times are this process's own.
"""
# ruff: noqa: S608 - every statement is made of this module's own words

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from simulator import answers, db, shapes
from simulator.payloads import isoformat

GRACE_MS = 50
MOST_GRACE_MS = 86_400_000
USUAL_ITEMS = 100
MOST_ITEMS = 1000
#: Findings that a client must not have. `repeated` is told too, but a person may do that.
WRONGS = ("doubled", "overlaps", "early")

MUTATION = "r.operation IN ('provision', 'update', 'remove') AND r.user_id <> ''"
# Bytewise comparison: a sort by a language's rules takes twice as long.
KEY = """
    lower(r.user_id) COLLATE "C" AS user_id, r.provisioning_id COLLATE "C" AS provisioning_id,
    r.sp_enterprise_id COLLATE "C" AS sp_enterprise_id
"""
BY_KEY = "user_id, provisioning_id, sp_enterprise_id"
LINES = """
    FROM simulator_request r LEFT JOIN simulator_answer a ON a.line = r.id
    WHERE r.run = %(run)s AND r.id > %(after)s
      AND (%(token_name)s = '' OR r.token_name = %(token_name)s OR r.operation = 'control')
      AND (%(users)s::text[] IS NULL OR lower(r.user_id) = ANY(%(users)s))
"""
SUMMARY = f"SELECT count(*) AS lines, min(r.at) AS first_at, max(r.at) AS last_at {LINES}"
COUNTS = f"""
    SELECT r.operation, r.status, r.fault, count(*) AS requests,
           count(*) FILTER (WHERE r.effect) AS effects, count(*) FILTER (WHERE a.sent) AS sent,
           count(*) FILTER (WHERE NOT a.sent) AS not_sent,
           count(*) FILTER (WHERE a.sent IS NULL) AS unknown
    {LINES} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
EFFECTS = f"""
    SELECT {BY_KEY}, count(*) AS effects,
           count(*) FILTER (WHERE change = 'created') AS created,
           count(*) FILTER (WHERE change = 'renewed') AS renewed,
           count(*) FILTER (WHERE change IN ('updated', 'renamed')) AS updated,
           count(*) FILTER (WHERE change = 'removed') AS removed,
           count(*) FILTER (WHERE change = 'mailed') AS mailed
    FROM (SELECT {KEY}, r.change {LINES} AND r.effect AND r.user_id <> '') r GROUP BY {BY_KEY}
"""
# A subscriber also ends when it gets another user ID, or when BroadWorks takes it away.
DOUBLED = f"""
    SELECT {BY_KEY}, array_agg(id ORDER BY id) AS lines, max(live) AS live FROM (
        SELECT {BY_KEY}, id, change, lag(change) OVER key AS earlier,
               sum(CASE change WHEN 'created' THEN 1 ELSE -1 END) OVER key AS live
        FROM (SELECT {KEY}, r.id, r.change {LINES}
              AND r.change IN ('created', 'removed', 'renamed', 'left')) r
        WINDOW key AS (PARTITION BY {BY_KEY} ORDER BY id)
    ) step WHERE change = 'created' AND (earlier = 'created' OR live > 1) GROUP BY {BY_KEY}
"""
REPEATED = f"""
    SELECT {BY_KEY}, operation, body_hash, array_agg(id ORDER BY id) AS lines
    FROM (SELECT {KEY}, r.id, r.operation, r.body_hash {LINES} AND r.effect
          AND r.body_hash <> '' AND {MUTATION}) r
    GROUP BY {BY_KEY}, operation, body_hash HAVING count(*) > 1
"""
# A fault may answer first and let the effect follow: two lines of one tracking ID, one flight.
FLIGHTS = f"""
    SELECT {KEY}, r.id, r.at, greatest(r.finished_at, CASE WHEN a.sent THEN a.at END) AS ended
    {LINES} AND {MUTATION} AND r.fault = ''
    UNION ALL
    SELECT {BY_KEY}, min(id), min(at), max(ended)
    FROM (SELECT {KEY}, r.id, r.at, r.tracking_id,
                 greatest(r.finished_at, CASE WHEN a.sent THEN a.at END) AS ended
          {LINES} AND {MUTATION} AND r.fault <> '') r
    GROUP BY {BY_KEY}, tracking_id
"""
OVERLAPS = f"""
    SELECT {BY_KEY}, id, at, busy_until FROM (
        SELECT {BY_KEY}, id, at, max(ended) OVER (
            PARTITION BY {BY_KEY} ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until FROM ({FLIGHTS}) flight
    ) r WHERE at < busy_until
"""
OVERLAP_PAIRS = """
    SELECT DISTINCT ON (f.id) f.count, f.user_id, f.provisioning_id, f.sp_enterprise_id,
           e.id AS first, f.id AS second, f.at, f.busy_until AS until
    FROM ({found}) f JOIN ({flights}) e ON e.user_id = f.user_id
     AND e.provisioning_id = f.provisioning_id AND e.sp_enterprise_id = f.sp_enterprise_id
     AND e.ended = f.busy_until AND (e.at, e.id) < (f.at, f.id) ORDER BY f.id, e.id
"""
# When the client could have known: when the answer left; unknown: when it was ready to.
HOLDS = f"""
    SELECT {KEY}, r.id, r.token_name, r.status, r.hold_until,
           coalesce(a.at, r.finished_at) + %(grace)s * interval '1 millisecond' AS known_at
    {LINES} AND r.hold_until IS NOT NULL AND a.sent IS NOT FALSE AND {{which}}
"""
ANY_HOLD = f"SELECT 1 AS found {LINES} AND r.hold_until IS NOT NULL AND {{which}} LIMIT 1"
EARLY = """
    SELECT id, at, token_name, held_until FROM (
        SELECT id, at, is_hold, token_name, max(hold_until) OVER (
            PARTITION BY {partition} ORDER BY at, is_hold) AS held_until
        FROM (
            SELECT {key}, r.id, r.token_name, r.at, 0 AS is_hold, NULL::timestamptz AS hold_until
            {lines} AND {who}
            UNION ALL
            SELECT {by_key}, id, token_name, known_at, 1, hold_until FROM ({holds}) hold
        ) event
    ) r WHERE is_hold = 0 AND at < held_until
"""
EARLY_PAIRS = """
    SELECT DISTINCT ON (f.id) f.count, f.token_name, h.id AS first, h.status, f.id AS second, f.at,
           f.held_until AS until
    FROM ({found}) f JOIN ({holds}) h ON h.token_name = f.token_name
     AND h.hold_until = f.held_until AND h.known_at < f.at ORDER BY f.id, h.id
"""
#: 429 and 503 hold every request of a token, 423 changes of that subscriber.
HOLD_KINDS = [
    ("r.status IN (429, 503) AND r.token_name <> ''", "r.token_name <> ''", "token_name"),
    (f"r.status = 423 AND {MUTATION}", MUTATION, f"token_name, {BY_KEY}"),
]
PRESENT_RUN = "SELECT run FROM simulator_state WHERE id = 1"


@dataclass(frozen=True)
class Question:
    """What to look at: one run (None: the present one), from a line on, of one token or of all."""

    run: int | None = None
    after: int = 0
    token_name: str = ""
    grace_ms: int = GRACE_MS
    limit: int = USUAL_ITEMS

    @classmethod
    def from_query(cls, query: dict[str, str]) -> Question:
        """Read a query string; raises ValueError for what is no number."""
        return cls(
            run=shapes.whole_of(query, "run", 0) if "run" in query else None,
            after=shapes.whole_of(query, "after", 0),
            token_name=query.get("token_name", ""),
            grace_ms=shapes.whole_of(query, "grace_ms", GRACE_MS, MOST_GRACE_MS),
            limit=shapes.whole_of(query, "limit", USUAL_ITEMS, MOST_ITEMS),
        )


def serve(request: HttpRequest, body: dict[str, Any]) -> dict[str, Any]:
    """Answer `GET /_control/judge`; what this process has just answered is included."""
    answers.flush()
    return judge(Question.from_query(request.GET.dict()))


def judge(question: Question) -> dict[str, Any]:
    """Return the verdict: `right`, counts, effects per key and the findings, as JSON data.

    Every list is `{"count", "items"}`: at most `limit` items, and how many there truly are.
    """
    with transaction.atomic():
        db.execute("SET LOCAL work_mem TO '256MB'")
        db.execute("SET LOCAL jit TO off")
        run = question.run if question.run is not None else db.rows(PRESENT_RUN)[0]["run"]
        values = {
            "run": run,
            "after": question.after,
            "token_name": question.token_name,
            "grace": question.grace_ms,
            "limit": question.limit,
            "users": None,
        }
        return {"run": run} | _verdict(values)


def _verdict(values: dict[str, Any]) -> dict[str, Any]:
    findings = {
        "doubled": _listed(_counted(DOUBLED, "user_id"), values),
        "overlaps": _overlaps(values),
        "early": _early(values),
        "repeated": _listed(_counted(REPEATED, "user_id"), values),
        "effects": _listed(_counted(EFFECTS, "effects DESC, user_id"), values),
    }
    summary = {name: _plain(value) for name, value in db.rows(SUMMARY, values)[0].items()}
    right = not any(findings[name]["count"] for name in WRONGS)
    return {"right": right} | summary | findings | {"counts": db.rows(COUNTS, values)}


def _overlaps(values: dict[str, Any]) -> dict[str, Any]:
    found = _counted(OVERLAPS, "id")
    late = _listed(found, values)
    if not late["count"]:
        return late
    # Who was there first is asked of these users only: it takes both at once to see that.
    some = values | {"users": sorted({item["user_id"] for item in late["items"]})}
    pairs = _listed(OVERLAP_PAIRS.format(found=found, flights=FLIGHTS), some)
    return {"count": late["count"], "items": pairs["items"]}


def _early(values: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in HOLD_KINDS if db.one(ANY_HOLD.format(which=kind[0]), values)]
    found = [_listed(_early_sql(*kind), values) for kind in kinds]
    items = sorted((item for one in found for item in one["items"]), key=lambda i: i["second"])
    return {"count": sum(one["count"] for one in found), "items": items[: values["limit"]]}


def _early_sql(which: str, who: str, partition: str) -> str:
    holds = HOLDS.format(which=which)
    early = EARLY.format(
        partition=partition, key=KEY, by_key=BY_KEY, lines=LINES, who=who, holds=holds
    )
    return EARLY_PAIRS.format(found=_counted(early, "id"), holds=holds)


def _counted(sql: str, order: str) -> str:
    """Cap a query, and say in each row how many rows there would be."""
    head = "SELECT all_of_them.*, count(*) OVER () AS count"
    return f"{head} FROM ({sql}) all_of_them ORDER BY {order} LIMIT %(limit)s"


def _listed(sql: str, values: dict[str, Any]) -> dict[str, Any]:
    rows = db.rows(sql, values)
    count = rows[0].pop("count") if rows else 0
    for row in rows[1:]:
        del row["count"]
    items = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return {"count": count, "items": items}


def _plain(value: Any) -> Any:
    return isoformat(value) if isinstance(value, datetime) else value
