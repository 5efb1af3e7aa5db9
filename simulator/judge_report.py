"""`python -m simulator judge`: the verdict as text that a person reads, or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from simulator.judge import WRONGS, Question, judge

TITLES = {
    "doubled": "Subscribers made twice (created again without having been removed)",
    "overlaps": "Two changes of one subscriber in flight at the same time",
    "early": "Requests before a Retry-After was over",
    "repeated": "The same body took effect more than once (a person may do that)",
    "effects": "Subscribers changed",
}


def run(options: argparse.Namespace) -> int:
    """Print the verdict; returns the exit code: 0 right, 1 something is wrong."""
    names = ("run", "after", "token_name", "grace_ms", "limit")
    verdict = judge(Question(**{name: getattr(options, name) for name in names}))
    text = json.dumps(verdict, indent=2) if options.json else as_text(verdict)
    sys.stdout.write(f"{text}\n")
    return 0 if verdict["right"] else 1


def as_text(verdict: dict[str, Any]) -> str:
    """Return tables: the counts, each finding with its log lines, and the verdict in words."""
    parts = [f"Run {verdict['run']}: {verdict['lines']} requests", _table(verdict["counts"])]
    for name, title in TITLES.items():
        found = verdict[name]
        parts.append(f"{title}: {found['count']}")
        if found["items"]:
            parts.append(_table(found["items"]))
        if found["count"] > len(found["items"]):
            parts.append(f"… and {found['count'] - len(found['items'])} more")
    wrongs = [f"{verdict[name]['count']} {name}" for name in WRONGS if verdict[name]["count"]]
    parts.append(f"WRONG: {', '.join(wrongs)}" if wrongs else "right: nothing to object to")
    return "\n\n".join(parts)


def _table(items: list[dict[str, Any]]) -> str:
    if not items:
        return "(nothing)"
    names = list(items[0])
    rows = [names, *([_cell(item[name]) for name in names] for item in items)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
