"""Django admin: for operations only; the log and the engine's rows are only to be looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.urls import URLResolver, get_resolver

from accounts.models import AuditEvent
from tests.security.browsers import (
    ANONYMOUS,
    DISABLED,
    FULL,
    NOBODY,
    OPERATIONS,
    READ_ONLY,
    Browsers,
    undone,
    writes,
)
from tests.security.world import World

#: What operations may do with each table besides looking; a new table needs a line here.
TABLES: dict[str, set[str]] = {
    "accounts.Partner": {"add", "change", "delete"},
    "accounts.User": {"add", "change", "delete"},
    "accounts.BackendConnection": {"add", "change", "delete"},
    "accounts.AuditEvent": set(),
    "templates_app.OnboardingTemplate": {"add", "change", "delete"},
    "provisioning.Subscriber": set(),
    "provisioning.Job": set(),
    "provisioning.Activation": set(),
    "provisioning.Mail": set(),
    "provisioning.Export": set(),
    "provisioning.Heartbeat": set(),
}
OTHERS = [ANONYMOUS, READ_ONLY, FULL, DISABLED, NOBODY]
#: Public files of Django's own: the words of its scripts.
OPEN = {"admin/jsi18n/"}


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    """Every route below /admin/, as written in the URL patterns."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif route.startswith("admin/"):
            yield route


def paths() -> Iterator[str]:
    """Every address below /admin/ with an object that exists."""
    for route in routes():
        parts = route.split("/")
        model = next(
            (
                m
                for m in admin.site._registry
                if [m._meta.app_label, m._meta.model_name] == parts[1:3]
            ),
            None,
        )
        row = model._default_manager.order_by("pk").first() if model else None
        route = route.replace("<path:object_id>", str(row.pk if row else 1))
        route = re.sub(r"<path:content_type_id>", "1", route)
        route = re.sub(r"<(slug|str):\w+>", "retry", route)
        route = re.sub(r"\(\?P<url>\.\*\)\$$", "nowhere", route.replace("^", ""))
        if route.startswith("admin/(?P<app_label>"):
            route = "admin/accounts/"
        assert not re.search(r"[<>()]", route), route
        yield f"/{route}"


def changed_since(before: dict[str, int]) -> dict[str, int]:
    return {t: n - before.get(t, 0) for t, n in writes().items() if n != before.get(t, 0)}


def test_every_table_is_classified() -> None:
    assert {model._meta.label for model in admin.site._registry} == set(TABLES)


def test_operations_may_do_with_each_table_what_the_list_says(rf: Any, world: World) -> None:
    request = rf.get("/admin/")
    request.user = world.operations

    found = {
        model._meta.label: {
            right
            for right in ("add", "change", "delete")
            if getattr(site, f"has_{right}_permission")(request)
        }
        for model, site in admin.site._registry.items()
    }

    assert found == TABLES


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_gets_in_by_any_address(world: World, browsers: Browsers, role: str) -> None:
    wrong = []
    for path in paths():
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            with undone():
                before = writes()
                answer = browsers.send(role, method, path)
                changed = changed_since(before)
            place = answer.headers.get("Location", "")
            sent_away = answer.status_code == 302 and place.startswith(("/login/", "/admin/"))
            refused = answer.status_code in {403, 404, 405}
            if changed or not (sent_away or refused or path[1:] in OPEN):
                wrong.append(f"{method} {path}: {answer.status_code} {place} {changed}")
            if (
                place.startswith("/admin/")
                and method == "GET"
                and not _ends_outside(browsers, role, place)
            ):
                wrong.append(f"{path} leads on to {place}")

    assert not wrong, "\n".join(wrong)


def _ends_outside(browsers: Browsers, role: str, place: str) -> bool:
    """Follow: it must end at our sign-in page or with a refusal."""
    for _ in range(5):
        answer = browsers.send(role, "GET", place)
        if answer.status_code == 403 or answer.headers.get("Location", "").startswith(
            ("/login/", "/password/")
        ):
            return True
        place = answer.headers.get("Location", "")
        if not place:
            return False
    return False


def test_operations_get_every_page_and_looking_changes_nothing(
    world: World, browsers: Browsers
) -> None:
    wrong = []
    for path in paths():
        for method in ("GET", "HEAD"):
            before = writes()
            answer = browsers.send(OPERATIONS, method, path)
            changed = changed_since(before)
            if answer.status_code >= 500 or changed:
                wrong.append(f"{method} {path}: {answer.status_code} {changed}")

    assert not wrong, "\n".join(wrong)


def test_an_empty_post_of_operations_breaks_nothing(world: World, browsers: Browsers) -> None:
    wrong = []
    for path in paths():
        with undone():
            status = browsers.send(OPERATIONS, "POST", path).status_code
        if status >= 500:
            wrong.append(f"{path}: {status}")

    assert not wrong, "\n".join(wrong)


def test_a_post_without_a_right_token_is_refused(world: World, browsers: Browsers) -> None:
    wrong = []
    for path in paths():
        for trouble in ({"token": ""}, {"headers": {"sec-fetch-site": "cross-site"}}):
            with undone():
                before = writes()
                answer = browsers.send(OPERATIONS, "POST", path, **dict(trouble))
                changed = changed_since(before)
            if answer.status_code not in {403, 404} or changed:
                wrong.append(f"{path} {trouble}: {answer.status_code} {changed}")

    assert not wrong, "\n".join(wrong)


def test_the_audit_log_cannot_be_written_to_by_hand(world: World, browsers: Browsers) -> None:
    event = AuditEvent.objects.filter(action="template.change").first()
    assert event
    base = "/admin/accounts/auditevent/"
    form = {"action": "nothing happened", "actor_label": "somebody else", "post": "yes"}

    for path in (f"{base}{event.pk}/change/", f"{base}{event.pk}/delete/", f"{base}add/"):
        answer = browsers.send(OPERATIONS, "POST", path, data=form)

        assert answer.status_code == 403, path
    bulk = {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"}
    browsers.send(OPERATIONS, "POST", base, data=bulk)
    event.refresh_from_db()
    assert event.action == "template.change"


def test_a_token_is_never_shown_again(world: World, browsers: Browsers) -> None:
    connection = world.ours.partner.connection
    connection.set_token("a-token-that-nobody-may-read-again")
    connection.save()
    base = f"/admin/accounts/backendconnection/{connection.pk}"

    for path in (f"{base}/change/", f"{base}/history/", "/admin/accounts/backendconnection/"):
        page = browsers.send(OPERATIONS, "GET", path).content.decode()

        assert "a-token-that-nobody" not in page
        assert connection.token_sealed not in page
