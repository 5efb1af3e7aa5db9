"""What is measured of the export, on the core of its own. Prints the lines as JSON."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from benchmarks.client import MeasurementFailed
from benchmarks.screen_main import bench_of, parse
from benchmarks.screen_sides import Bench, Timed, rounds, seconds_of
from benchmarks.versus import Versus
from partnerhub.local import servers
from partnerhub.local.bootstrap import ROOT

TIMES, SECONDS, MEMORY = 1.25, 1.0, 8.0
CSV_PEER, TABLES2_PEER = 4, 100
SAMPLE = 20_000
MAX_ROUNDS = 3
COLUMNS = (
    *("broadworks_id", "first_name", "last_name", "email", "package", "status", "error_code"),
    *("error_text", "enterprise_id", "primary_phone", "self_activated", "backend_created_at"),
    "last_change_at",
)


@dataclass
class Writer:
    """A process that writes exports as a worker does; `grown` is of the last one, in MB."""

    process: subprocess.Popen[str]
    grown: float = 0.0

    def write(self, key: int) -> None:
        """Have one written."""
        if self.process.stdin is None or self.process.stdout is None:
            raise MeasurementFailed("the writer has no pipes")
        self.process.stdin.write(f"{key}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise MeasurementFailed("the writer ended")
        self.grown = float(answer)


@contextmanager
def writer() -> Iterator[Writer]:
    """Start the process; it shares our core."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.export_writer"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Writer(process)
    finally:
        process.communicate()


@dataclass(frozen=True)
class List:
    """What is exported: one template's users, or all."""

    bench: Bench
    is_whole: bool

    @property
    def path(self) -> str:
        """Where the list is."""
        return "/users/" if self.is_whole else f"/templates/{self.bench.party['uuids'][0]}/users/"

    @property
    def rows(self) -> int:
        """How many users it has."""
        return self.bench.subscribers if self.is_whole else self.bench.users_of_first

    @property
    def users(self) -> Any:
        """The users in the order of the screen."""
        from provisioning.lists import filters
        from provisioning.models import Subscriber

        users = Subscriber.objects.live().filter(partner=self.bench.party["partner"])
        if not self.is_whole:
            users = users.filter(template=self.bench.party["templates"][0])
        return filters.ordered(users, filters.DEFAULT_SORT)

    def ours(self, worker: Writer, query: str = "") -> int:
        """Click, write, download; returns how many lines the file has."""
        from provisioning.models import Export

        client = self.bench.client
        answer = client.post(f"{self.path}export/?{query}", {"format": "csv"})
        if answer.status_code != 302:
            raise MeasurementFailed(f"the export was not started: {answer.status_code}")
        place = answer["Location"]
        worker.write(Export.objects.values_list("pk", flat=True).get(uuid=place.split("/")[-2]))
        answer = client.get(f"{place}download/")
        if answer.status_code != 200:
            raise MeasurementFailed(f"no file: {answer.status_code}")
        return sum(block.count(b"\n") for block in answer.streaming_content)

    def check(self, worker: Writer) -> None:
        """The file must have a header and all users."""
        lines = self.ours(worker)
        if lines != self.rows + 1:
            raise MeasurementFailed(f"{lines} lines for {self.rows} users")


def measure(bench: Bench) -> list[Versus]:
    """Two fifths, and all."""
    lines = []
    with writer() as worker:
        List(bench, is_whole=True).ours(worker, "enterprise=Customer7.dk")  # all is imported now
        for is_whole in (False, True):
            lines += _case(List(bench, is_whole), worker)
    return lines


def _case(chosen: List, worker: Writer) -> list[Versus]:
    bench, grown = chosen.bench, list[float]()

    def ours() -> None:
        chosen.check(worker)
        grown.append(worker.grown)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        side, floor = Timed(ours), Timed(lambda: _psql(chosen, file))
        rounds([side, floor], min(bench.rounds, MAX_ROUNDS))
        if _lines_of(file) != chosen.rows:
            raise MeasurementFailed("psql wrote another number of rows")
        peer = Timed(lambda: _python(chosen, file))
        peer.round()
        if _lines_of(file) != chosen.rows:
            raise MeasurementFailed("Python wrote another number of rows")
    return _lines(chosen, side, floor, peer, max(grown))


def _lines(chosen: List, ours: Timed, floor: Timed, peer: Timed, grown: float) -> list[Versus]:
    name, words, its = f"export {chosen.rows:,}", _s(ours.median), _s(floor.median)
    limit = TIMES * floor.median + SECONDS
    return [
        Versus(name, words, "1.25 psql + 1 s", _s(limit), ours.median / limit, most=1),
        Versus(name, words, "psql \\copy", its, ours.times(floor)),
        Versus(name, words, "Python csv", _s(peer.median), peer.median / ours.median, CSV_PEER),
        _table_export(chosen, ours),
        Versus(f"{name}, memory", f"+{grown:.1f} MB", "at most", f"{MEMORY:g} MB",
               grown / MEMORY, most=1),
    ]  # fmt: skip


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _lines_of(file: Path) -> int:
    with file.open("rb") as content:
        return sum(1 for _ in content)


# ---- Floor and peers ----


def _psql(chosen: List, file: Path) -> None:
    """The same select by the program that comes with PostgreSQL."""
    from django.db import connection

    from provisioning.exports.columns import columns

    cells = columns()
    sql, values = chosen.users.annotate(**cells).values_list(*cells).query.sql_with_params()
    with connection.cursor() as cursor:
        select = cursor.mogrify(sql, values).decode()
    copy = f"\\copy ({select}) TO '{file}' WITH (FORMAT csv, FORCE_QUOTE *)"
    found = connection.settings_dict
    address = {
        "PGHOST": found["HOST"],
        "PGPORT": str(found["PORT"]),
        "PGUSER": found["USER"],
        "PGDATABASE": found["NAME"],
        "PGPASSWORD": found["PASSWORD"],
    }
    command = [str(servers.tool("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", copy]
    done = subprocess.run(
        command, env=os.environ | address, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MeasurementFailed(f"psql: {done.stderr[-500:]}")


def _python(chosen: List, file: Path) -> None:
    """Row by row, as Python's csv module writes them."""
    with file.open("w", newline="") as target:
        csv.writer(target).writerows(chosen.users.values_list(*COLUMNS).iterator(2000))


def _table_export(chosen: List, ours: Timed) -> Versus:
    """django-tables2's export of a sample, brought to the number of our rows."""
    name = f"export {chosen.rows:,}"
    if find_spec("tablib") is None:
        return Versus(name, _s(ours.median), "TableExport", "not run: no tablib")
    size = min(SAMPLE, chosen.rows // 4)
    with tempfile.TemporaryFile() as file:
        seconds = seconds_of(lambda: _tables2(chosen, size, file)) * chosen.rows / size
    words = f"{_s(seconds)} (of {size:,})"
    return Versus(name, _s(ours.median), "TableExport", words, seconds / ours.median, TABLES2_PEER)


def _tables2(chosen: List, size: int, file: IO[bytes]) -> None:
    from django_tables2.export.export import TableExport

    from benchmarks.screen_peers import PlainTable

    table = PlainTable(chosen.users.select_related("template")[:size])
    file.write(TableExport("csv", table).export().encode())


def main() -> None:
    """Measure."""
    import django

    django.setup()
    print(json.dumps([asdict(line) for line in measure(bench_of(parse()))]))


if __name__ == "__main__":
    main()
