"""`/_control/requests`: what was done to this backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest

from simulator import answers, db, shapes
from simulator.payloads import isoformat

MOST_LINES = 1000
LINES = """
    SELECT r.*, a.sent AS answer, a.at AS answered_at
    FROM simulator_request r LEFT JOIN simulator_answer a ON a.line = r.id
"""
TIMES = ("at", "finished_at", "answered_at", "hold_until")
#: Was the answer handed to the network? Nobody knows when the process died before it could say.
ANSWERS = {True: "sent", False: "not sent", None: "unknown"}
FILTERS = ("operation", "user_id", "token_name", "effect", "change", "status")


def _truth(query: Mapping[str, str], name: str) -> bool:
    if query[name] not in {"true", "false"}:
        raise ValueError(f"{name}: true or false expected")
    return query[name] == "true"


def _number(query: Mapping[str, str], name: str) -> int:
    return shapes.whole_of(query, name, 0, shapes.MOST_WHOLE)


#: Filters that are no texts.
READ: dict[str, Callable[[Mapping[str, str], str], Any]] = {"effect": _truth, "status": _number}


def requests(request: HttpRequest, body: dict[str, Any]) -> dict[str, Any]:
    """Return lines of this run's log, oldest first; what this process has just answered too.

    Filters: `after` (an id), `operation`, `user_id`, `token_name`, `effect`, `change`, `status`,
    `limit`; with `newest=true` the newest come first.
    """
    answers.flush()
    query = request.GET
    clauses = ["run = (SELECT run FROM simulator_state WHERE id = 1)", "id > %s"]
    values: list[Any] = [shapes.whole_of(query, "after", 0)]
    for name in FILTERS:
        if name in query:
            clauses.append(f"{name} = %s")
            values.append(READ[name](query, name) if name in READ else query[name])
    limit = shapes.whole_of(query, "limit", MOST_LINES, MOST_LINES)
    where = " AND ".join(clauses)
    order = "DESC" if query.get("newest") == "true" else "ASC"
    sql = f"{LINES} WHERE {where} ORDER BY id {order} LIMIT %s"
    return {"items": [_line(row) for row in db.rows(sql, [*values, limit])]}


def _line(row: db.Row) -> db.Row:
    shown = {name: isoformat(row[name]) if row[name] else None for name in TIMES}
    return row | shown | {"answer": ANSWERS[row["answer"]]}
