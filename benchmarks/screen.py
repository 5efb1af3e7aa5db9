"""The screen User status at a million rows: pages, searches, polls and what its indexes cost."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import screen_open, stage
from benchmarks.options import Options
from benchmarks.screen_main import wants
from benchmarks.screen_stage import scene
from benchmarks.table import Report
from benchmarks.versus import HEADER

MEANING = """\
page: the whole page by Django's test client, one process; "page" is of the large template (two
fifths of all users), "whole partner" of all. floor: a page of the console with
nothing in it, for the same signed-in user, and the bare SELECT of 51 rows by psycopg2; bare floor:
the same with an answer of no bytes behind the same middleware. Django admin: a changelist with
these columns, search and a filter by status. django-tables2: SingleTableView, table_pagination,
select_related. All sides are seen to show the same users.
any …, p95: seeded random combinations of filters, terms and orders, each asked once; the ratio is
p95 to 150 ms. poll: the ratio is its time to 5 ms. CPU: of the web process alone, without the
database; it hardly depends on what else the machine does, times do.
search: the statements that the product sends, run by psycopg2, beside the same rows by primary key
and Django's icontains over four columns (five for digits).
update: one UPDATE of random rows, beside the same on copies of the table: "before" has the indexes
it had before lists of a million (no generated columns, no triggers), "bare" only keys and one page
index. Two writers: a transaction of 100 rows, held for 10 ms, with triggers and without.
open pages: the web server of `make run` on all cores, each page asks every 5 s by a connection of
its own; "beside it" the same first pages while no page is open; the load's own processor time is
not in the share. ratio: round by round, ours to floor and before; peers to ours."""


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """Measure; raises MeasurementFailed."""
    with scene(options, tell) as place:
        lines = place.lines("benchmarks.screen_main", options)
        if wants(",".join(options.cases), "open"):
            tell("open pages")
            lines += screen_open.measure(place, options)
        shown = [line for line in lines if options.wants(line.name)]
        return Report(shown, stage.version(place.url), _notes(options), HEADER, MEANING)


def _notes(options: Options) -> list[str]:
    large = options.subscribers * 4 // 10
    return [
        f"{options.subscribers:,} users of one partner, {large:,} in one template, the others in "
        f"seven; 50 in each enterprise; {options.cores.words} (but for open pages)"
    ]
