"""What every answer carries, whatever its status: S6 of the security rules."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpRequest
from django.test import Client

from accounts.models import User
from partnerhub.local import run_checks
from tests.security.addresses import ADDRESSES
from tests.security.browsers import ANONYMOUS, FULL, OPERATIONS, READ_ONLY, Browsers
from tests.security.test_admin import paths as admin_paths
from tests.security.test_matrix import url_of
from tests.security.world import World

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
}
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
INLINE = [
    r"<style[\s>]",
    r"\sstyle\s*=",
    r"<[^>]*\son[a-z]+\s*=",
    r"javascript:",
    r"<script(?![^>]*\ssrc=)[^>]*>\s*\S",
    r"hx-on",
    r"<(iframe|object|embed|base)\b",
    r"\b(?:src|action)=[\"'](?:https?:)?//",
]


def lacks(answer: Any, path: str) -> list[str]:
    """Which headers an answer has not, or wrong."""
    found = answer.headers
    wrong = [f"{name}: {found.get(name)}" for name, v in FIXED.items() if found.get(name) != v]
    policy = {part.strip() for part in found.get("Content-Security-Policy", "").split(";")} - {""}
    if policy != POLICY:
        wrong.append(f"policy {policy ^ POLICY}")
    referrer = "no-referrer" if path.startswith("/activate/") else "same-origin"
    if found.get("Referrer-Policy") != referrer:
        wrong.append(f"Referrer-Policy: {found.get('Referrer-Policy')}")
    if "no-store" not in found.get("Cache-Control", ""):
        wrong.append(f"Cache-Control: {found.get('Cache-Control')}")
    if not re.fullmatch(r"[0-9a-f]{16}", found.get("X-Request-ID", "")):
        wrong.append("no X-Request-ID")
    wrong += [name for name in ("Server", "X-Powered-By") if name in found]
    return wrong + _bad_cookies(answer)


def _bad_cookies(answer: Any) -> list[str]:
    wrong = []
    for name, morsel in answer.cookies.items():
        if name in {"session", "csrf"} and not morsel["httponly"]:
            wrong.append(f"cookie {name} is open to scripts")
        if morsel["samesite"] not in {"Lax", "Strict"} or morsel["domain"]:
            wrong.append(f"cookie {name}: {morsel.OutputString()}")
    return wrong


def test_every_page_carries_the_headers_and_nothing_inline(
    world: World, browsers: Browsers
) -> None:
    wrong = []
    for name, address in ADDRESSES.items():
        path = url_of(name, address, world.ours, world.ours.full)
        for role in (ANONYMOUS, READ_ONLY, FULL):
            for method in ("GET", "PUT"):
                answer = browsers.send(role, method, path)
                wrong += [f"{method} {path} as {role}: {x}" for x in lacks(answer, path)]
                wrong += [f"{path} as {role}: {x}" for x in inline(answer)]

    assert not wrong, "\n".join(wrong)


def inline(answer: Any) -> list[str]:
    """What the policy would block in a page."""
    if "html" not in answer.headers.get("Content-Type", ""):
        return []
    text = answer.whole.decode()
    return [found[0] for rule in INLINE if (found := re.search(rule, text, re.IGNORECASE))]


def test_django_admin_carries_the_headers_and_nothing_inline(
    world: World, browsers: Browsers
) -> None:
    wrong = []
    for path in admin_paths():
        for role in (ANONYMOUS, OPERATIONS):
            answer = browsers.send(role, "GET", path)
            wrong += [f"{path} as {role}: {x}" for x in lacks(answer, path)]
            wrong += [f"{path} as {role}: {x}" for x in inline(answer)]

    assert not wrong, "\n".join(wrong)


# ---- Every status ----


def broken(error: Exception) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("a bug"), 500),
        (OperationalError("the database is away"), 503),
        (Http404("missing"), 404),
    ],
)
def test_a_page_that_fails_keeps_its_headers(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    monkeypatch.setattr("partnerhub.health.selectors.heartbeats", broken(error))
    monkeypatch.setattr("activation_portal.decorators.OnboardingTemplate.objects", None)
    monkeypatch.setattr("allauth.account.views.LoginView.get", broken(error))
    client = Client(raise_request_exception=False)

    answer = client.get("/login/")

    assert answer.status_code == status
    assert lacks(answer, "/login/") == []
    assert answer.content.decode().count("<h1>") == 1
    assert "a bug" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()
    assert (answer.headers.get("Retry-After") == "5") == (status == 503)


def big(field: str = "login") -> dict[str, str]:
    return {field: "x" * (1024 * 1024 + 1)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ask", "statuses"),
    [
        (lambda client: client.get("/login/", headers={"host": "evil.example"}), {400}),
        (lambda client: client.get("/nowhere/"), {404}),
        (lambda client: client.get("/activate/nobody/"), {404}),
        (lambda client: client.get("/static/nowhere.css"), {404}),
        (lambda client: client.post("/healthz"), {405, 403}),
        (lambda client: client.put("/login/"), {405}),
        (lambda client: client.generic("TRACE", "/login/"), {405}),
        (lambda client: client.generic("PROPFIND", "/"), {405}),
        (lambda client: client.post("/login/", {}), {403}),
        (lambda client: client.post("/login/", big()), {403, 413}),
        (lambda client: client.get("/login"), {301}),
        (lambda client: client.get("/"), {302}),
        (lambda client: client.generic("POST", "/login/", b"%ff=%00", "text/plain"), {403}),
    ],
)
def test_a_refusal_keeps_the_headers(ask: Callable[[Client], Any], statuses: set[int]) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    answer = ask(client)

    assert answer.status_code in statuses
    path = str(answer.request["PATH_INFO"])
    ignored = "Cache-Control" if path.startswith("/static/") else "nothing"
    assert [x for x in lacks(answer, path) if not x.startswith(ignored)] == []


@pytest.mark.django_db
def test_a_cookie_is_for_one_site_and_not_for_scripts(client: Client) -> None:
    User.objects.create_user("anna@nordictel.example", "correct horse battery staple")
    form = {"login": "anna@nordictel.example", "password": "correct horse battery staple"}

    cookies = client.post("/login/", form).cookies | client.post("/language/", {}).cookies

    assert {"session", "csrf"} <= set(cookies)
    for name in ("session", "csrf"):
        assert cookies[name]["httponly"]
        assert cookies[name]["samesite"] == "Lax"


# ---- As in production ----


def production(*command: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with the settings of a production start."""
    environment = {**run_checks.ENVIRONMENT, **run_checks.PRODUCTION, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_production_start_has_nothing_to_warn_of() -> None:
    result = production("check", "--deploy", "--fail-level", "WARNING")

    assert result.returncode == 0, result.stderr
    assert "0 silenced" in result.stdout + result.stderr


def test_production_cookies_are_bound_to_https_and_host() -> None:
    names = ["SESSION", "CSRF", "LANGUAGE"]
    script = (
        "from django.conf import settings as s\n"
        f"print([(getattr(s, n + '_COOKIE_NAME'), getattr(s, n + '_COOKIE_SECURE'))"
        f" for n in {names}])\n"
        "print(s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS, s.EMBEDDED, s.DEBUG)\n"
        "from django.urls import get_resolver\n"
        "print('dev' in get_resolver().namespace_dict)"
    )

    lines = production("shell", "--no-imports", "-c", script).stdout.splitlines()

    assert lines == [
        "[('__Host-session', True), ('__Host-csrf', True), ('language', True)]",
        f"True {365 * 24 * 3600} False False",
        "False",
    ]


def test_a_production_start_without_secrets_is_refused() -> None:
    environment = {**run_checks.ENVIRONMENT, **run_checks.PRODUCTION, "PATH": "/usr/bin:/bin"}
    del environment["SECRET_KEY"]

    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode != 0
    assert "SECRET_KEY is missing" in result.stderr


def test_the_request_id_is_never_taken_from_outside(rf: Any, client: Client) -> None:
    request: HttpRequest = client.get("/healthz", headers={"x-request-id": "chosen"}).wsgi_request

    assert getattr(request, "request_id", "") != "chosen"
