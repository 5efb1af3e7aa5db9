"""The export as CSV, from the click to the last byte, beside psql's own copy of the same rows."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import stage
from benchmarks.options import Options
from benchmarks.screen_stage import scene
from benchmarks.table import Report
from benchmarks.versus import HEADER

MEANING = """\
ours: the POST that starts the export, provisioning.exports.write in a process of its own as a
worker has it, and the download read to its end; what the queue's hint takes, and the page that
looks after the file every so often, are not in it.
psql \\copy: the same select, with neutralised text, into a file. The ratio in the first line of
each is ours to 1.25 times psql's and a second.
memory: how much the largest memory of the writing process grew beyond what it had before, after a
small export; the ratio is to 8 MB.
Python csv: values_list().iterator(2000) into csv.writer, nothing neutralised.
TableExport: django-tables2's, of the first rows only; its figure is for as many rows as ours."""


def run(options: Options, tell: Callable[[str], None]) -> Report:
    """Measure; raises MeasurementFailed."""
    with scene(options, tell, searchable=False) as place:
        lines = place.lines("benchmarks.export_sides", options)
        shown = [line for line in lines if options.wants(line.name)]
        note = f"{options.subscribers:,} users; {options.cores.words}"
        return Report(shown, stage.version(place.url), [note], HEADER, MEANING)
