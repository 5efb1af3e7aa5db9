"""System checks of the whole product: `manage.py check` refuses what they find.

`guarded_views` is S3 of the security rules: nothing is reachable by forgetting to guard it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.http.request import validate_host
from django.urls import URLPattern, URLResolver, get_resolver

#: Django admin guards its own views (staff only).
EXEMPT_NAMESPACES = frozenset({"admin"})
#: What a production start needs (OPERATIONS.md), each with an example.
NEEDED = {
    "TOKEN_KEYS": "k1:<output of openssl rand -base64 32>",
    "DATABASE_URL": "postgres://user:password@host:5432/partnerhub",
    "REDIS_URL": "redis://:password@host:6379/0",
    "PUBLIC_URL": "https://hub.example",
    "ALLOWED_HOSTS": "hub.example",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
    "DEFAULT_FROM_EMAIL": "hub@partner.example",
}


def views(
    resolver: URLResolver | None = None, namespace: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Every address with its full name, e.g. `userstatus:user`; nameless ones have their route."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from views(entry, _joined(namespace, entry.namespace or ""))
        else:
            yield _joined(namespace, entry.name or str(entry.pattern)), entry


def _joined(*names: str) -> str:
    return ":".join(filter(None, names))


@checks.register(checks.Tags.urls, checks.Tags.security)
def guarded_views(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Refuse a view without `@requires(Right…)` or `@public("why")` (accounts/access.py)."""
    return [
        checks.Error(
            f"The view of {name!r} says neither what right it requires nor why it is public.",
            hint="Decorate it with accounts.access.requires or accounts.access.public.",
            obj=entry.lookup_str,
            id="partnerhub.E001",
        )
        for name, entry in views()
        if name.partition(":")[0] not in EXEMPT_NAMESPACES and not _declares(entry.callback)
    ]


def _declares(view: Any) -> bool:
    return bool(getattr(view, "right", None) or getattr(view, "public_reason", None))


@checks.register(checks.Tags.security, deploy=True)
def deployment(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Tell what OPERATIONS.md asks for and is missing; Django itself tells SECRET_KEY and DEBUG."""
    if settings.EMBEDDED:
        return [checks.Error("EMBEDDED is on.", hint="EMBEDDED=0", id="partnerhub.E010")]
    missing: list[checks.CheckMessage] = [
        checks.Error(f"{name} is missing.", hint=f"{name}={example}", id=f"partnerhub.E{number}")
        for number, (name, example) in enumerate(NEEDED.items(), 11)
        if name not in settings.GIVEN_VARIABLES
    ]
    return missing + [
        checks.Error(f"PUBLIC_URL {what}.", hint=hint, id=number)
        for is_wrong, what, hint, number in _public_address()
        if is_wrong
    ]


def _public_address() -> list[tuple[bool, str, str, str]]:
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    is_strange = not validate_host(host, settings.ALLOWED_HOSTS)
    return [
        (not settings.HTTPS, "is not https", "PUBLIC_URL=https://hub.example", "partnerhub.E020"),
        (is_strange, "has a host that ALLOWED_HOSTS lacks", "Add it there.", "partnerhub.E021"),
    ]
