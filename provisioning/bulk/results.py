"""The rows of a batch by what became of them, on the screen and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Protocol

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.utils import translation

from common.spreadsheet import SafeText, UtcTime
from provisioning import catalogue, codes
from provisioning.models import Job, JobBatch
from provisioning.states import UNFINISHED, JobState

_SKIPPED = Q(state=JobState.CANCELLED, result_code__in=codes.SKIPS)
#: What became of a row, by the word of the URL and of the file.
OUTCOMES: dict[str, Q] = {
    "failed": Q(state=JobState.FAILED),
    "skipped": _SKIPPED,
    "cancelled": Q(state=JobState.CANCELLED) & ~_SKIPPED,
    "done": Q(state=JobState.DONE),
    "left": Q(state__in=sorted(UNFINISHED)),
}
HEADER = (
    *("BroadWorks ID", "First name", "Last name", "Email", "Enterprise ID"),
    *("Outcome", "Code", "Reason", "Text", "Tracking ID", "Ended"),
)
#: Rows that are written at once.
_BLOCK = 500


class Writable(Protocol):
    """What bytes can be written to: a file, or an answer to a browser."""

    def write(self, content: bytes, /) -> Any: ...


def results(batch: JobBatch, *, outcome: str = "") -> QuerySet[Job]:
    """The rows of a batch, in the order of the list that they came from.

    `outcome` is a key of OUTCOMES; anything else means all.
    """
    jobs: QuerySet[Job] = Job.objects.filter(OUTCOMES.get(outcome, Q()), batch=batch)
    return jobs.select_related("subscriber").order_by("pk")


def write_results(batch: JobBatch, out: Writable, *, outcome: str = "") -> None:
    """Write the rows as CSV: UTF-8 with BOM, RFC 4180, words in English, times in UTC.

    Cells that a spreadsheet would run are neutralised, as in an export of users.
    """
    out.write(b"\xef\xbb\xbf")
    block = io.StringIO()
    writer = csv.writer(block, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    block.write(",".join(HEADER) + "\r\n")
    for number, row in enumerate(_rows(results(batch, outcome=outcome)), start=1):
        writer.writerow(row)
        if number % _BLOCK == 0:
            out.write(block.getvalue().encode())
            block.seek(0)
            block.truncate()
    out.write(block.getvalue().encode())


def _rows(jobs: QuerySet[Job]) -> Iterator[tuple[str, ...]]:
    words = [When(condition, then=Value(word)) for word, condition in OUTCOMES.items()]
    cells = {
        "cell_01": SafeText(F("broadworks_id")),
        "cell_02": SafeText(F("subscriber__first_name")),
        "cell_03": SafeText(F("subscriber__last_name")),
        "cell_04": SafeText(F("subscriber__email")),
        "cell_05": SafeText(F("enterprise_id")),
        "cell_06": Case(*words, default=Value(""), output_field=TextField()),
        "cell_07": SafeText(F("result_code")),
        "cell_08": SafeText(F("result_text")),
        "cell_09": SafeText(F("tracking_id")),
        "cell_10": UtcTime(F("finished_at")),
    }
    plain = jobs.select_related(None).annotate(**cells).values_list(*cells)
    reasons: dict[str, str] = {}
    for row in plain.iterator(chunk_size=_BLOCK):
        code = row[6]
        if code not in reasons:
            reasons[code] = _reason(code)
        yield (*row[:7], reasons[code], *row[7:])


def _reason(code: str) -> str:
    """The catalogue's title; of a code that it does not know the text beside it says it all."""
    if not catalogue.is_known(code):
        return ""
    with translation.override("en"):
        return str(catalogue.explain(code).title)
