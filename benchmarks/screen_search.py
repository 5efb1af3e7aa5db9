"""Searches: the statements of the product beside the same rows by key, and Django's icontains."""

from __future__ import annotations

import functools
import operator
from typing import Any

from django.db import connection
from django.db.models import Q

from benchmarks.client import MeasurementFailed
from benchmarks.screen_sides import Bench, Timed, ms, rounds
from benchmarks.versus import Versus
from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from provisioning.models import Subscriber

ROWS, TRIES = 51, 9
RARE, FREQUENT, PEER = 20, 40, 300
PEER_COLUMNS = ("broadworks_id", "first_name", "last_name", "email")
_BY_KEY = """
    SELECT id, uuid, broadworks_id, first_name, last_name, email, package, backend_status, status,
           error_code, error_text, last_change_at, version, deleted_at, template_id
      FROM provisioning_subscriber WHERE id = ANY(%s) ORDER BY last_change_at DESC, id DESC
"""


def measure(bench: Bench) -> list[Versus]:
    """A term of seven digits, one that nobody has, and one that very many have."""
    return [
        *_search(bench, "rare, seven digits", _rare(bench), RARE, PEER),
        *_search(bench, "no match", "zzqqxx77", RARE, PEER),
        *_search(bench, "frequent", "sen", FREQUENT, None),
    ]


def _rare(bench: Bench) -> str:
    """The end of a phone number of somebody in the large template."""
    users = Subscriber.objects.filter(template=bench.party["templates"][0])
    middle = users.order_by("pk")[bench.users_of_first // 2]
    return str(middle.primary_phone[-7:])


def _search(bench: Bench, name: str, term: str, most: float, least: float | None) -> list[Versus]:
    statements: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        statements.append((sql, values))
        return execute(sql, values, many, context)

    _find(bench, term)  # statements that a session keeps are told it once
    with connection.execute_wrapper(note):
        found = _find(bench, term)
    if bool(found) != (name != "no match"):
        raise MeasurementFailed(f"{len(found)} users for {term}")
    keys = [user.pk for user in found]
    floor = Timed(lambda: _fetch(_BY_KEY, [keys]), TRIES)
    raw = Timed(lambda: [_fetch(sql, values) for sql, values in statements], TRIES)
    whole = Timed(lambda: _find(bench, term), TRIES)
    peer = Timed(lambda: _icontains(bench, term))
    rounds([floor, raw, whole, peer], bench.rounds)
    title, words = f"search: {name}", ms(raw.median)
    return [
        Versus(title, words, "by key", ms(floor.median), raw.times(floor), most=most),
        Versus(title, words, "icontains x 4", ms(peer.median), peer.times(raw), least),
        Versus(
            f"{title}, ORM included", ms(whole.median), "icontains x 4", ms(peer.median),
            peer.times(whole),
        ),
    ]  # fmt: skip


def _find(bench: Bench, term: str) -> list[Subscriber]:
    """What the product does for the rows of a first page."""
    key = bench.party["templates"][0]
    users = Subscriber.objects.live().filter(partner=bench.party["partner"], template=key)
    return Finder(users, [key], UserFilter(q=term)).rows(ROWS)


def _icontains(bench: Bench, term: str) -> list[Subscriber]:
    columns = (*PEER_COLUMNS, "primary_phone") if term.isdigit() else PEER_COLUMNS
    either = functools.reduce(operator.or_, (Q(**{f"{c}__icontains": term}) for c in columns))
    users = Subscriber.objects.filter(template=bench.party["templates"][0], deleted_at=None)
    return list(users.filter(either).order_by("-last_change_at", "-id")[:ROWS])


def _fetch(sql: str, values: Any) -> list[Any]:
    """On the product's own session, past Django."""
    with connection.connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows
