"""How the product speaks to PostgreSQL: limits and the planner's settings of every connection."""

from __future__ import annotations

from typing import Any

#: Many short questions at once: starting helpers or a compiler costs more than they spare, and a
#: page read out of order costs about as much as the next one (it lies in memory, or on an SSD).
_PLANNING = "-c max_parallel_workers_per_gather=0 -c jit=off -c random_page_cost=1.1"


def settings(
    database: dict[str, Any], statement_seconds: int, lock_seconds: int
) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES.

    `database` is what DATABASE_URL says; its own options, such as ?sslmode=verify-full, count.
    After `statement_seconds` PostgreSQL breaks off a statement, after `lock_seconds` the wait for
    a lock; 0 is never.
    """
    limits = f"-c statement_timeout={statement_seconds}s -c lock_timeout={lock_seconds}s"
    options = {
        "connect_timeout": 5,
        "application_name": "partnerhub",
        "options": f"{limits} {_PLANNING}",
    } | database.get("OPTIONS", {})
    keep = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
    return {"default": database | keep}
