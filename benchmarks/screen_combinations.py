"""Any other combination of filters, search and order: whole pages, each asked once."""

from __future__ import annotations

import random

from django.http import QueryDict

from benchmarks.screen_pages import path_of
from benchmarks.screen_sides import Bench, seconds_of, spread
from benchmarks.versus import Versus

SEED, NUMBER, VISITS = 7, 200, 60
MOST = 0.150
#: Rare ones, frequent ones, a name, two letters, Danish, phone numbers, and nobody.
TERMS = [
    *("4500007919", "0007919", "kruse zeuthen", "thorsen", "lar", "søren", "customer"),
    *("customer77", "zzqqxx", "ab", "sø", "holm bo", "+45 0000 7919", "anna.jensen", "x"),
    *(".example", "juul 12", "ørsted", "ærø", "åse holm"),
]
STATUSES = [
    *("provisioned", "error", "pending_email_input", "pending_email_validation"),
    *("pending_user_migration", "provisioning", "updating"),
]
PACKAGES = ["standard", "softphone", "premium", "basic"]
SORTS = ["broadworks_id", "-broadworks_id", "name", "-name", "last_change", "-last_change"]


def measure(bench: Bench) -> list[Versus]:
    """The large template, the whole partner, and the pages above them."""
    lines = []
    for name, is_whole in (("template", False), ("whole partner", True)):
        luck = random.Random(SEED)
        path = path_of(bench, is_whole=is_whole)
        pages = [f"{path}?{combination(luck)}" for _ in range(_number(bench, NUMBER))]
        lines.append(_asked(bench, f"any combination, {name}", pages))
    for name, path in (("/users/", "/users/"), ("/", "/"), ("/templates/", "/templates/")):
        lines.append(_asked(bench, f"any visit to {name}", [path] * _number(bench, VISITS)))
    return lines


def _number(bench: Bench, number: int) -> int:
    """As many, or a fifth of them in short rounds."""
    return number if bench.seconds >= 1 else number // 5


def _asked(bench: Bench, name: str, addresses: list[str]) -> Versus:
    times = [seconds_of(lambda one=address: bench.get(one)) for address in addresses]  # type: ignore[misc]
    return spread(name, times, MOST)


def combination(luck: random.Random) -> str:
    """A query string that no list needs to be prepared for."""
    query = QueryDict(mutable=True)
    query.setlist("status", luck.sample(STATUSES, luck.choice([0, 0, 0, 1, 1, 2, 3])))
    query.setlist("package", luck.sample(PACKAGES, luck.choice([0, 0, 0, 1, 2])))
    single = {
        "q": luck.choice(TERMS + [""] * 12),
        "error": luck.choice([""] * 8 + ["none", "uncoded", "200042", "200001", "999"]),
        "enterprise": luck.choice([""] * 6 + ["Customer77.dk", "nobody"]),
        "exclude_provisioned": luck.choice(["", "", "", "on"]),
        "sort": luck.choice(["-last_change"] * 3 + SORTS),
        "before": luck.choice([""] * 6 + ["end"]),
    }
    for name, value in single.items():
        if value:
            query[name] = value
    return query.urlencode()
