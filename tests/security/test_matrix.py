"""Every address × method × role × foreign partner, with a valid CSRF token.

What is expected follows from addresses.py and accounts/rights.py; nothing is listed twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from accounts.rights import Right, Role, has_right
from partnerhub import checks
from tests.security.addresses import ADDRESSES, Address
from tests.security.browsers import (
    ADMIN,
    ANONYMOUS,
    DISABLED,
    FULL,
    NOBODY,
    OPERATIONS,
    READ_ONLY,
    ROLES,
    STRANGER,
    Browsers,
    same_bytes,
    undone,
    writes,
)
from tests.security.world import MARKER, Side, World

FORMS = {"GET", "HEAD", "POST"}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ROLE_OF = {READ_ONLY: Role.READ_ONLY, ADMIN: Role.ADMIN, FULL: Role.FULL, STRANGER: Role.FULL}
GUARDED = {name: address for name, address in ADDRESSES.items() if address.rights}
OWNED = {name: address for name, address in GUARDED.items() if address.owned}
WITH_POST = {name: a for name, a in ADDRESSES.items() if "POST" in {*a.rights, *a.methods}}


def routed() -> dict[str, Any]:
    """Every address that exists but Django admin's, which test_admin_addresses has."""
    return {name: entry for name, entry in checks.views() if not name.startswith("admin:")}


def url_of(name: str, address: Address, side: Side, person: Any) -> str:
    return reverse(name, args=address.args(side, person))


def known(address: Address) -> set[str]:
    methods = {*address.rights, *address.methods}
    return methods | {"HEAD"} if "GET" in methods else methods


def expected(address: Address, method: str, role: str) -> set[int]:
    """The statuses that this person may get."""
    if address.public or method not in FORMS:
        return set(address.answers) if method in known(address) else {405}
    refusal = refused(address, method, role)
    if method not in known(address):
        return {405} | (refusal or set())
    return refusal or set(address.answers)


def refused(address: Address, method: str, role: str) -> set[int] | None:
    if role in (ANONYMOUS, DISABLED, OPERATIONS):
        return {302}
    right = address.rights.get("GET" if method == "HEAD" else method)
    if role == NOBODY or (right and not has_right(ROLE_OF[role], right)):
        return {403}
    return {404} if role == STRANGER and address.owned else None


def way_out(role: str) -> str:
    return "/admin/" if role == OPERATIONS else "/login/?next="


def test_every_address_is_classified() -> None:
    assert sorted(set(routed()) - set(ADDRESSES)) == [], "classify them in addresses.py"


def test_every_classified_address_exists() -> None:
    assert sorted(set(ADDRESSES) - set(routed())) == []


def test_a_view_declares_what_the_table_says() -> None:
    wrong = []
    for name, address in ADDRESSES.items():
        view = routed()[name].callback
        least = min(address.rights.values(), key=list(Right).index, default=None)
        if getattr(view, "right", None) != least or bool(address.public) == bool(least):
            wrong.append(name)

    assert not wrong, "\n".join(wrong)


def test_each_role_gets_what_the_table_of_rights_says(world: World, browsers: Browsers) -> None:
    wrong = []
    for name, address, role, method in product():
        person = browsers.people[role]
        url = url_of(name, address, world.ours, person)
        data = address.data(world.ours, person) if method == "POST" else {}
        with undone():
            before = writes()
            answer = browsers.send(role, method, url, data=data)
            changed = _difference(before)
        if problem := _problem(address, method, role, answer, changed):
            wrong.append(f"{name}: {method} as {role}: {problem}")

    assert not wrong, "\n".join(wrong)


def product() -> Iterator[tuple[str, Address, str, str]]:
    for name, address in ADDRESSES.items():
        for role in ROLES:
            for method in METHODS:
                yield name, address, role, method


def _difference(before: dict[str, int]) -> dict[str, int]:
    return {t: n - before.get(t, 0) for t, n in writes().items() if n != before.get(t, 0)}


def _problem(address: Address, method: str, role: str, answer: Any, changed: dict[str, int]) -> str:
    """What is wrong with an answer, or nothing."""
    allowed, status = expected(address, method, role), answer.status_code
    if status not in allowed:
        return f"{status}, expected {sorted(allowed)}"
    turned_away = not address.public and refused(address, method, role)
    if turned_away and status == 302 and not answer["Location"].startswith(way_out(role)):
        return f"sent to {answer['Location']}"
    if status == 403 and method != "HEAD" and b"<h1>" not in answer.content:
        return "403 without words"
    may_change = method == "POST" and not turned_away
    if not may_change and set(changed) - address.recorded:
        return f"changed {changed}"
    if may_change and "POST" in address.rights and address.changes and not changed:
        return f"{status}, but nothing was changed"
    return ""


def test_a_foreign_object_is_the_same_404_as_a_missing_one(
    world: World, browsers: Browsers
) -> None:
    wrong, missing = [], str(uuid.uuid4())
    for name, address in OWNED.items():
        theirs = url_of(name, address, world.theirs, world.theirs.full)
        foreign_id = str(address.args(world.theirs, world.theirs.full)[0])
        for method in known(address) - {"HEAD"}:
            data = address.data(world.ours, world.ours.full) if method == "POST" else {}
            with undone():
                foreign = browsers.send(FULL, method, theirs, data=data)
                absent = browsers.send(FULL, method, theirs.replace(foreign_id, missing), data=data)
            same = same_bytes(foreign, foreign_id) == same_bytes(absent, missing)
            if (foreign.status_code, absent.status_code, same) != (404, 404, True):
                wrong.append(f"{name}: {method} {foreign.status_code} {absent.status_code} {same}")

    assert not wrong, "\n".join(wrong)


def test_a_page_holds_nothing_of_another_partner(world: World, browsers: Browsers) -> None:
    wrong = []
    looked_at = {name: a for name, a in GUARDED.items() if "GET" in a.rights}
    for name, address in looked_at.items():
        url = url_of(name, address, world.ours, world.ours.full)
        is_list = not address.owned or "users" in url.split("/")[3:]
        for query in foreign_queries(world) if is_list else [{}]:
            for headers in ({}, {"HX-Request": "true"}):
                answer = browsers.send(FULL, "GET", url, data=query, headers=headers)
                if MARKER in shown(answer):
                    wrong.append(f"{name} {query} {headers}")

    assert not wrong, "\n".join(wrong)


def foreign_queries(world: World) -> list[dict[str, Any]]:
    """Filters and lists of ids that name objects of the other partner."""
    theirs = world.theirs
    return [
        {},
        {"template": theirs.template.uuid},
        {"template": theirs.template.uuid, "status": "error", "sort": "name"},
        {"id": [theirs.user.uuid, theirs.job_of(theirs.full, "queued").uuid, theirs.user.pk]},
        {"ids": f"{theirs.user.uuid}", "after": theirs.user.uuid, "v": "1"},
        {"enterprise": f"SP+{MARKER}"},
    ]


def shown(answer: Any) -> str:
    """An answer's text without the words of the question, which may be said back."""
    text = answer.whole.decode("utf-8-sig").lower()
    return text.replace(f"sp+{MARKER}", "").replace(f"sp%2b{MARKER}", "")


def test_the_marker_would_be_seen(world: World, browsers: Browsers) -> None:
    """The other partner's own people do see it, on every kind of page."""
    names = ["overview", "templates", "all_users", "jobs", "people", "template", "user", "export"]
    for name in names:
        address = ADDRESSES[f"userstatus:{name}"]
        url = url_of(f"userstatus:{name}", address, world.theirs, world.theirs.full)

        assert MARKER in shown(browsers.send(STRANGER, "GET", url)), name


def test_a_post_without_a_right_token_is_refused_and_changes_nothing(
    world: World, browsers: Browsers
) -> None:
    troubles: list[dict[str, Any]] = [
        {"token": ""},
        {"token": "x" * 32},
        {"token": browsers.token(STRANGER)},
        {"headers": {"sec-fetch-site": "cross-site"}},
        {"headers": {"origin": "https://evil.example"}},
    ]
    wrong = []
    for name, address in WITH_POST.items():
        url = url_of(name, address, world.ours, world.ours.full)
        data = address.data(world.ours, world.ours.full)
        for trouble in troubles:
            with undone():
                before = writes()
                answer = browsers.send(FULL, "POST", url, data=data, **dict(trouble))
                changed = _difference(before)
            if answer.status_code != 403 or b"<h1>" not in answer.content or changed:
                wrong.append(f"{name} {trouble}: {answer.status_code} {changed}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_administrator_may_touch_only_own_jobs(
    world: World, browsers: Browsers, action: str
) -> None:
    state = "queued" if action == "cancel" else "failed"
    others = world.ours.job_of(world.ours.full, state)

    as_admin = browsers.send(ADMIN, "POST", f"/jobs/{others.uuid}/{action}/")

    others.refresh_from_db()
    assert as_admin.status_code == 403
    assert others.state == state


def test_somebody_elses_export_is_missing(world: World, browsers: Browsers) -> None:
    export = world.ours.exports[world.ours.full.pk]

    for path in (f"/exports/{export.uuid}/", f"/exports/{export.uuid}/download/"):
        assert browsers.send(ADMIN, "GET", path).status_code == 404


def test_the_table_would_notice_a_role_that_may_too_much() -> None:
    """The expectation itself refuses: a read-only POST to an action is 403, a stranger's 404."""
    address = ADDRESSES["userstatus:retry"]

    assert expected(address, "POST", READ_ONLY) == {403}
    assert expected(address, "POST", STRANGER) == {404}
    assert expected(address, "POST", ANONYMOUS) == {302}
    assert expected(address, "PUT", FULL) == {405}
