"""How far a running export is, and stopping its writer: PostgreSQL knows who is at work.

A writer holds a session lock by the export's number while it is at work (writer.py); by it
others find its backend, whose COPY PostgreSQL counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database

from provisioning.models import Export
from provisioning.states import ExportFormat, ExportState

_WRITERS = """
    SELECT pid FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32 | objid::bigint)
         = ANY (SELECT hashtextextended(name, 0) FROM unnest(%s::text[]) AS name)
"""
_ROWS = "SELECT sum(tuples_processed) FROM pg_stat_progress_copy WHERE pid = ANY (%s)"
_STOP = "SELECT pg_cancel_backend(pid) FROM unnest(%s::int[]) AS pid"
#: Packing a sheet takes so much of the time of writing its rows (measured at 20,000 and 200,000).
_PACKING = 0.15
#: Until so much is done, what is left is a guess that would only mislead.
_FIRST_SECONDS, _FIRST_PART = 1.0, 0.02


@dataclass(frozen=True)
class Progress:
    """How far an export is.

    Attributes:
        rows: users written by now.
        total: users there are to write, None while they are not counted.
        seconds_left: what is left if it goes on like this, None when nobody can know yet.
        is_finishing: all users are read; the file is being packed or brought to the disk.
    """

    rows: int = 0
    total: int | None = None
    seconds_left: int | None = None
    is_finishing: bool = False


def lock_name(export_id: int) -> str:
    """What the writer of an export locks."""
    return f"export:{export_id}"


def progress_of(export: Export, now: datetime) -> Progress:
    """How far an export is that is being written."""
    if export.state != ExportState.WRITING:
        return Progress(total=export.total)
    if export.rows:
        return Progress(export.rows, max(export.rows, export.total or 0), None, True)
    rows = rows_so_far(export)
    # Users may have come since they were counted.
    total = None if export.total is None else max(export.total, rows)
    return Progress(rows, total, _seconds_left(export, rows, total, now))


def _seconds_left(export: Export, rows: int, total: int | None, now: datetime) -> int | None:
    if not total or not export.writing_at or rows < total * _FIRST_PART:
        return None
    passed = (now - export.writing_at).total_seconds()
    if passed < _FIRST_SECONDS:
        return None
    packing = _PACKING if export.format == ExportFormat.XLSX else 0.0
    whole = passed / rows * total * (1 + packing)
    return max(round(whole - passed), 1)


def rows_so_far(export: Export) -> int:
    """How many users are written already: PostgreSQL tells of the COPY whose writer holds the
    lock of this export; 0 when there is none.
    """
    with database.cursor() as cursor:
        cursor.execute(_ROWS, [_writers([export.pk])])
        return int(cursor.fetchone()[0] or 0)


def stop_cancelled(since: datetime) -> None:
    """End the COPY of every cancelled export that began after `since` and is still written."""
    cancelled = Export.objects.filter(state=ExportState.CANCELLED, writing_at__gt=since)
    if ids := list(cancelled.values_list("pk", flat=True)):
        with database.cursor() as cursor:
            cursor.execute(_STOP, [_writers(ids)])


def _writers(export_ids: list[int]) -> list[int]:
    """The backends of those who write these exports."""
    with database.cursor() as cursor:
        cursor.execute(_WRITERS, [[lock_name(pk) for pk in export_ids]])
        return [row[0] for row in cursor.fetchall()]
