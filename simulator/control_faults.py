"""`/_control/faults`: make things go wrong, see what does, and make it stop."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from simulator import db, state
from simulator.calls import utc_now
from simulator.kinds import PLAIN_OPTIONS

Body = dict[str, Any]
ADD = """
    INSERT INTO simulator_fault (kind, options, token_name, operation, contains, probability,
                                 script, count_by, seed, times, hits, starts_at, ends_at, scenario)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s) RETURNING id
"""
MEMBERS = frozenset(
    {"token_name", "operation", "contains", "probability", "script", "count_by", "seed", "times"}
    | {"after_seconds", "for_seconds"}
)


def add(request: HttpRequest, body: Body) -> Body:
    """Add a fault; raises ValueError for one that cannot be."""
    options = {name: value for name, value in body.items() if name in PLAIN_OPTIONS}
    if unknown := body.keys() - PLAIN_OPTIONS - MEMBERS:
        raise ValueError(f"unknown members: {', '.join(sorted(unknown))}")
    if not options:
        raise ValueError(f"nothing to go wrong; one of {', '.join(sorted(PLAIN_OPTIONS))} expected")
    starts_at = utc_now() + timedelta(seconds=float(body.get("after_seconds", 0)))
    lasts = body.get("for_seconds")
    values = [
        "",
        db.dumps(options),
        str(body.get("token_name", "*")),
        str(body.get("operation", "*")),
        str(body.get("contains", "")),
        float(body.get("probability", 1)),
        str(body.get("script", "")),
        str(body.get("count_by", "all")),
        str(body.get("seed") or secrets.token_hex(4)),
        int(body.get("times", 1)),
        starts_at,
        starts_at + timedelta(seconds=float(lasts)) if lasts is not None else None,
        "",
    ]
    row = db.rows(ADD, values)[0]
    state.changed()
    return {"id": row["id"]}


def show(request: HttpRequest, body: Body) -> Body:
    """Return the faults that can still strike."""
    now = utc_now()
    sql = (
        "SELECT * FROM simulator_fault WHERE (times IS NULL OR hits < times)"
        " AND (ends_at IS NULL OR ends_at > %s) ORDER BY id"
    )
    return {"items": db.rows(sql, [now])}


def clear(request: HttpRequest, body: Body) -> Body:
    """Make everything right again."""
    db.execute("DELETE FROM simulator_fault_count")
    cleared = db.execute("DELETE FROM simulator_fault")
    state.changed()
    return {"cleared": cleared}
