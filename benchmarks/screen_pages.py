"""Single pages: ours beside an empty page and the bare SELECT, Django admin and django-tables2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from benchmarks.client import MeasurementFailed
from benchmarks.screen_sides import Bench, Timed, ms, rounds
from benchmarks.versus import Versus

SIZE = 50
#: Of each fast side in a round.
TRIES = 9
SLOW_ROUNDS = 5
FLOOR, TABLES2, ADMIN, ADMIN_FAR, ADMIN_LAST = 2.5, 7, 10, 25, 200
POLL_SECONDS = 0.005
_COLUMNS = """
    s.id, s.uuid, s.broadworks_id, s.first_name, s.last_name, s.email, s.package, s.backend_status,
    s.status, s.error_code, s.error_text, s.last_change_at, s.version, s.deleted_at, s.template_id
"""
_UNREADY = [
    *("error", "pending_email_input", "pending_email_validation", "pending_user_migration"),
    *("provisioning", "updating"),
]
_ROW = re.compile(rb'<tr id="u(\w+)" data-state="([^"]+)"')


@dataclass(frozen=True)
class Case:
    """One page of a list.

    Attributes:
        query: our filter.
        sql: the same as SQL.
        peers: the same as Django's lookups.
        page: number of the page; 0 is the last one.
        is_whole: of all the partner's templates.
    """

    name: str
    query: str = ""
    sql: str = ""
    peers: tuple[tuple[str, str], ...] = ()
    page: int = 1
    is_whole: bool = False

    @property
    def least_admin(self) -> float:
        """How many times as long the admin should take."""
        return {1: ADMIN, 0: ADMIN_LAST}.get(self.page, ADMIN_FAR)


FILTERED = [
    Case("all"),
    Case("one status", "status=error", "s.status = 'error'", (("status__exact", "error"),)),
    Case("package", "package=premium", "s.package = 'premium'", (("package__exact", "premium"),)),
    Case("error", "error=200042", "s.error_key = '200042'", (("error_code__exact", "200042"),)),
    Case(
        "exclude provisioned", "exclude_provisioned=on", "s.status <> 'provisioned'",
        (("status__in", ",".join(_UNREADY)),),
    ),
]  # fmt: skip


def measure(bench: Bench) -> list[Versus]:
    """All pages of the large template, and of the whole partner."""
    far = max(min(1000, bench.users_of_first // SIZE - 1), 2)
    places = [(f"page {far:,}", far), ("last page", 0)]
    cases = [*FILTERED, *(Case(name, page=page) for name, page in places)]
    cases += [Case("whole partner", is_whole=True)]
    cases += [Case(f"whole partner, {n}", page=page, is_whole=True) for n, page in places]
    return [line for case in cases for line in _page(bench, case)]


def _page(bench: Bench, case: Case) -> list[Versus]:
    total = _count(bench, case)
    number = case.page or -(-total // SIZE)
    addresses = {
        "ours": _ours(bench, case, total),
        "tables2": f"/bench/tables2/?{_peers(bench, case)}&page={number}",
        "admin": f"/bench/admin/provisioning/subscriber/?{_peers(bench, case)}&p={number}",
    }
    sql, values = _raw(bench, case)
    _check(bench, case, addresses)

    def beside(address: str) -> Timed:
        def both() -> None:
            bench.get(address)
            bench.cursor.execute(sql, values)
            bench.cursor.fetchall()

        return Timed(both, TRIES)

    sides = {name: Timed(_getter(bench, address)) for name, address in addresses.items()}
    sides["ours"].tries = TRIES
    sides["floor"], sides["nothing"] = beside("/bench/empty/"), beside("/bench/nothing/")
    rounds(list(sides.values()), min(bench.rounds, SLOW_ROUNDS))
    return _lines(case, sides)


def _lines(case: Case, sides: dict[str, Timed]) -> list[Versus]:
    ours, name = sides["ours"], f"page: {case.name}"
    words = ms(ours.median)

    def beside(word: str, text: str, least: float) -> Versus:
        side = sides[word]
        ratio, cpu = side.times(ours), {"cpu": ours.cpu, "its_cpu": side.cpu}
        return Versus(name, words, text, ms(side.median), ratio, least, **cpu)

    return [
        _floor(name, ours, "floor", sides["floor"], FLOOR),
        _floor(name, ours, "bare floor", sides["nothing"], None),
        beside("admin", "Django admin", case.least_admin),
        beside("tables2", "django-tables2", TABLES2),
    ]


def _floor(name: str, ours: Timed, word: str, floor: Timed, most: float | None) -> Versus:
    cpu = {"cpu": ours.cpu, "its_cpu": floor.cpu}
    words = ms(ours.median), word, ms(floor.median)
    return Versus(name, *words, ours.times(floor), most=most, **cpu)


def _getter(bench: Bench, address: str) -> Any:
    return lambda: bench.get(address)


# ---- Addresses and statements ----


def path_of(bench: Bench, *, is_whole: bool = False) -> str:
    """Our list's address."""
    return "/users/" if is_whole else f"/templates/{bench.party['uuids'][0]}/users/"


def _ours(bench: Bench, case: Case, total: int) -> str:
    path = f"{path_of(bench, is_whole=case.is_whole)}?{case.query}"
    if case.page == 1:
        return path
    return f"{path}&before=end" if case.page == 0 else f"{path}&after={_cursor(bench, case)}"


def _cursor(bench: Bench, case: Case) -> str:
    """The place of the last row before the page."""
    from provisioning.lists import filters
    from provisioning.models import Subscriber
    from userstatus.users import paging

    where = {"partner": bench.party["partner"]} if case.is_whole else {}
    where |= {} if case.is_whole else {"template": bench.party["templates"][0]}
    users = filters.ordered(Subscriber.objects.live().filter(**where), filters.DEFAULT_SORT)
    skipped = (case.page - 1) * SIZE
    return paging.cursor(users[skipped - 1], filters.DEFAULT_SORT, skipped)


def _peers(bench: Bench, case: Case) -> str:
    whose = [] if case.is_whole else [("template__id__exact", bench.party["templates"][0])]
    return urlencode([*whose, *case.peers])


def _where(bench: Bench, case: Case) -> tuple[str, list[Any]]:
    whose = "partner_id" if case.is_whole else "template_id"
    key = bench.party["partner"] if case.is_whole else bench.party["templates"][0]
    sql = f"FROM provisioning_subscriber s WHERE s.{whose} = %s AND s.deleted_at IS NULL"
    return (f"{sql} AND {case.sql}" if case.sql else sql), [key]


def _count(bench: Bench, case: Case) -> int:
    sql, values = _where(bench, case)
    bench.cursor.execute(f"SELECT count(*) {sql}", values)
    return int(bench.cursor.fetchone()[0])


def _raw(bench: Bench, case: Case) -> tuple[str, list[Any]]:
    """The keyset SELECT of one row more than the page shows."""
    sql, values = _where(bench, case)
    sign = "ASC" if case.page == 0 else "DESC"
    order = f"ORDER BY s.last_change_at {sign}, s.id {sign} LIMIT {SIZE + 1}"
    if case.page > 1:
        keys = f"SELECT s.last_change_at, s.id {sql} {order} OFFSET {(case.page - 1) * SIZE - 1}"
        bench.cursor.execute(keys.replace(f"LIMIT {SIZE + 1}", "LIMIT 1"), values)
        values = [*values, *bench.cursor.fetchone()]
        sql += " AND (s.last_change_at, s.id) < (%s, %s)"
    return f"SELECT {_COLUMNS} {sql} {order}", values


def _check(bench: Bench, case: Case, addresses: dict[str, str]) -> None:
    """All sides must show the same users."""
    sql, values = _raw(bench, case)
    bench.cursor.execute(sql, values)
    found = [row[2] for row in bench.cursor.fetchall()[:SIZE]]
    shown = found[:1] if case.page == 0 else found
    for name, address in addresses.items():
        page = bench.get(address).decode()
        missing = [one for one in shown if one not in page]
        if missing or (name == "ours" and len(_ROW.findall(page.encode())) > SIZE):
            raise MeasurementFailed(f"{case.name}: {name} shows other users ({missing[:3]})")


# ---- The poll ----


def measure_polls(bench: Bench) -> list[Versus]:
    """The poll of an open page with fifty rows: wall and processor time of it."""
    quiet, busy = polls_of(bench.get(path_of(bench)).decode())
    lines = []
    for name, address, changed in (("nothing new", quiet, 0), ("5 of 50 rows new", busy, 5)):
        shown = len(_ROW.findall(bench.get(address)))
        if shown != changed:
            raise MeasurementFailed(f"the poll brings {shown} rows, not {changed}")
        side = Timed(_getter(bench, address), TRIES * 5)
        rounds([side], bench.rounds)
        words, target = ms(side.median), f"{POLL_SECONDS * 1000:g} ms"
        ratio = side.median / POLL_SECONDS
        lines.append(Versus(f"poll, {name}", words, "at most", target, ratio, most=1, cpu=side.cpu))
    return lines


def polls_of(page: str) -> tuple[str, str]:
    """The addresses that an open page asks: when all is as it was, and when 5 rows are not."""
    import html

    (path,) = re.findall(r'data-live-url="([^"]*)"', page)
    (newest,) = re.findall(r'data-newest="([^"]*)"', page)
    rows = [(key.decode(), state.decode()) for key, state in _ROW.findall(page.encode())]
    shown = [f"{key}-{state}" for key, state in rows]
    old = [f"{key}-0." for key, _ in rows[:5]] + shown[5:]
    base = f"{html.unescape(path)}&since={newest}&rows="
    return base + "_".join(shown), base + "_".join(old)
