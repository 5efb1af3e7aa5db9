"""`/_control/requests`: what was done to this backend."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from simulator import db
from simulator.payloads import isoformat

MOST_LINES = 1000
FILTERS = ("operation", "user_id", "token_name", "effect", "change")


def requests(request: HttpRequest, body: dict[str, Any]) -> dict[str, Any]:
    """Return lines of this run's log, oldest first.

    Filters: `after` (an id), `operation`, `user_id`, `token_name`, `effect`, `change`, `limit`.
    """
    query = request.GET
    clauses = ["run = (SELECT run FROM simulator_state WHERE id = 1)", "id > %s"]
    values: list[Any] = [int(query.get("after", 0))]
    for name in FILTERS:
        if name in query:
            clauses.append(f"{name} = %s")
            values.append(query[name])
    limit = min(int(query.get("limit", MOST_LINES)), MOST_LINES)
    where = " AND ".join(clauses)
    sql = f"SELECT * FROM simulator_request WHERE {where} ORDER BY id LIMIT %s"  # noqa: S608
    return {"items": [_line(row) for row in db.rows(sql, [*values, limit])]}


def _line(row: db.Row) -> db.Row:
    times = ("at", "finished_at", "hold_until")
    return row | {name: isoformat(row[name]) if row[name] else None for name in times}
