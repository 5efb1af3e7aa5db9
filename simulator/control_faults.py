"""`/_control/faults`, `kinds`, `rehearsal`: make things go wrong, see what does, make it stop."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest

from simulator import db, scenario_files, shapes, state
from simulator import kinds as table
from simulator.calls import utc_now
from simulator.fault import ALL, LIVE, STRUCK
from simulator.kinds.base import EVERYTHING
from simulator.kinds.connections import is_down_for_healthz as covers_healthz
from simulator.payloads import isoformat

Body = dict[str, Any]
ADD = """
    INSERT INTO simulator_fault (kind, options, token_name, operation, contains, probability,
                                 script, count_by, seed, times, hits, starts_at, ends_at, scenario)
    VALUES (%(kind)s, %(options)s, %(token_name)s, %(operation)s, %(contains)s, %(probability)s,
            %(script)s, %(count_by)s, %(seed)s, %(times)s, 0, %(starts_at)s, %(ends_at)s,
            %(scenario)s) RETURNING id
"""
SINCE = f"""
    UPDATE simulator_state SET since = %(now)s WHERE id = 1 AND (since IS NULL OR
        (scenario = '' AND NOT EXISTS (SELECT 1 FROM simulator_fault WHERE {LIVE})))
"""  # noqa: S608 - own words
SHOW = f"SELECT * FROM simulator_fault WHERE {LIVE} ORDER BY id"  # noqa: S608 - own words
MEMBERS = frozenset(
    {"token_name", "operation", "contains", "probability", "script", "count_by", "seed", "times"}
    | {"after_seconds", "for_seconds"}
)
COUNTED_BY = ("all", "user")


def add(request: HttpRequest, body: Body) -> Body:
    """Add a fault, or several; raises ValueError for one that cannot be, and adds none then."""
    now = utc_now()
    if "faults" in body:
        if body.keys() != {"faults"} or not isinstance(body["faults"], list):
            raise ValueError('{"faults": [...]} expected, with nothing beside it')
        return {"ids": insert(body["faults"], now)}
    return {"id": insert([body], now)[0]}


def insert(orders: list[Body], now: datetime, scenario: str = "") -> list[int]:
    """Add faults in the form of `POST faults`, in the caller's transaction; returns their ids."""
    rows = [_row(order, now) | {"scenario": scenario} for order in orders]
    db.execute(SINCE, {"now": now})
    ids = [db.rows(ADD, row)[0]["id"] for row in rows]
    state.changed()
    return ids


def _row(order: Body, now: datetime) -> Body:
    """Read one order; raises ValueError saying what exists."""
    if not isinstance(order, dict):
        raise ValueError("a fault is a JSON object")
    kind = _text(order, "kind", "")
    given = {k: v for k, v in order.items() if k not in MEMBERS and k != "kind"}
    options = table.check(kind, given) if kind else _plain(given)
    starts_at = now + timedelta(seconds=_number(order, "after_seconds", 0.0, 0, 1e8))
    lasts = order.get("for_seconds")
    ends_at = starts_at + timedelta(seconds=_number(order, "for_seconds", 0, 0, 1e8))
    return {
        "kind": kind,
        "options": db.dumps(options),
        "token_name": _text(order, "token_name", ALL),
        "operation": _operations(kind, _text(order, "operation", ALL)),
        "contains": _text(order, "contains", ""),
        "probability": _number(order, "probability", 1, 0, 1),
        "script": _script(_text(order, "script", "")),
        "count_by": _one_of(order, "count_by", COUNTED_BY),
        "seed": _seed(order),
        "times": _times(order, None if kind else 1),
        "starts_at": starts_at,
        "ends_at": ends_at if lasts is not None else None,
    }


def _plain(given: Body) -> Body:
    known = ", ".join(sorted(table.PLAIN_OPTIONS))
    if unknown := sorted(given.keys() - table.PLAIN_OPTIONS.keys()):
        members = ", ".join(sorted(MEMBERS))
        words = f"unknown members: {', '.join(unknown)}; known: kind, {members}"
        raise ValueError(f"{words}; without a kind also {known}")
    if not given:
        raise ValueError(f"nothing to go wrong: a kind expected, or one of {known}")
    return shapes.checked(given, table.PLAIN_OPTIONS)


def _operations(kind: str, text: str) -> str:
    """Return the operations in the stored form; `*` means all that suit the kind."""
    suited = table.KINDS[kind].operations if kind else EVERYTHING
    names = {name.strip() for name in text.split(",")}
    if ALL in names:
        return ALL if set(suited) == set(EVERYTHING) else ",".join(suited)
    if wrong := sorted(names - set(suited)):
        known = f"operation: {', '.join(wrong)}: one of {ALL}, {', '.join(suited)} expected"
        raise ValueError(f"{kind}: {known}" if kind else known)
    return ",".join(sorted(names))


def _seed(order: Body) -> str:
    value = order.get("seed")
    if value is None or value == "":
        value = secrets.token_hex(4)
    if not shapes.SEED.fits(value):
        raise ValueError(f"seed: {shapes.SEED.expected} expected")
    return str(value)


def _script(text: str) -> str:
    if set(text) - {STRUCK, "."}:
        raise ValueError(f"script: {STRUCK} for a request that is struck and . for one that is not")
    return text


def _text(order: Body, name: str, default: str) -> str:
    value = order.get(name, default)
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(f"{name}: a text expected")
    return value


def _one_of(order: Body, name: str, values: tuple[str, ...]) -> str:
    value = order.get(name, values[0])
    if value not in values:
        raise ValueError(f"{name}: one of {', '.join(values)} expected")
    return str(value)


def _number(order: Body, name: str, default: float, least: float, most: float) -> float:
    value = default if order.get(name) is None else order[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name}: a number from {least:g} to {most:g} expected")
    return float(value)


def _times(order: Body, default: int | None) -> int | None:
    value = order.get("times", default)
    if value is not None and (type(value) is not int or not 1 <= value < 2**31):
        raise ValueError("times: a whole number from 1, or null for without end, expected")
    return value


def kinds(request: HttpRequest, body: Body) -> Body:
    """Return everything that can go wrong, with its options."""
    return {"items": [kind.described() for kind in table.KINDS.values()]}


def show(request: HttpRequest, body: Body) -> Body:
    """Return the faults that can still strike."""
    return {"items": _live(utc_now())}


def _live(now: datetime) -> list[Body]:
    return [_shown(row) for row in db.rows(SHOW, {"now": now})]


def _shown(row: db.Row) -> Body:
    kind = table.KINDS.get(row["kind"])
    times = {name: isoformat(row[name]) if row[name] else None for name in ("starts_at", "ends_at")}
    return row | times | {"title": kind.title if kind else "As written"}


def clear(request: HttpRequest, body: Body) -> Body:
    """Make everything right again."""
    return {"cleared": _clear()}


def _clear() -> int:
    cleared = db.execute("DELETE FROM simulator_fault")
    db.execute("DELETE FROM simulator_fault_count")
    db.execute("DELETE FROM simulator_allowance WHERE token_name LIKE 'fault %%'", [])
    state.changed()
    return cleared


def remove(request: HttpRequest, body: Body, fault_id: int) -> Body:
    """Forget one fault; raises Http404 for one that does not exist."""
    if not db.execute("DELETE FROM simulator_fault WHERE id = %s", [fault_id]):
        raise Http404
    db.execute("DELETE FROM simulator_fault_count WHERE fault_id = %s", [fault_id])
    state.changed()
    return {"cleared": 1}


def rehearsal(request: HttpRequest, body: Body) -> Body:
    """Return what goes wrong on purpose, for how long still, and since when."""
    faults = _live(utc_now())
    row = db.one("SELECT run, scenario, since FROM simulator_state WHERE id = 1")
    assert row is not None  # noqa: S101 - a migration made the row
    running = bool(faults or row["scenario"])
    ends = [fault["ends_at"] for fault in faults]
    return {
        "running": running,
        "run": row["run"],
        "scenario": _scenario(row["scenario"]),
        "since": isoformat(row["since"]) if running and row["since"] else None,
        "ends_at": max(ends) if ends and None not in ends and not row["scenario"] else None,
        "faults": faults,
    }


def _scenario(name: str) -> Body | None:
    if name not in scenario_files.names():  # none runs, or its file is gone since
        return {"name": name, "title": name} if name else None
    return {"name": name, "title": scenario_files.read(name).title}


def end_rehearsal(request: HttpRequest, body: Body) -> Body:
    """Make everything right again; what was provisioned meanwhile stays."""
    cleared = _clear()
    db.execute("UPDATE simulator_state SET scenario = '', since = NULL WHERE id = 1")
    return {"cleared": cleared}


def is_down_for_healthz() -> bool:
    """Tell whether an outage that is going on covers the health address too."""
    now = utc_now()
    return any(
        covers_healthz(fault) and fault.is_open(now) for fault in state.opening(now).known.faults
    )
