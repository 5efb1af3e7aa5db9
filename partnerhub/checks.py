"""System checks of the whole product: `manage.py check` refuses what they find.

`guarded_views` is S3 of the security rules: nothing is reachable by forgetting to guard it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.urls import URLPattern, URLResolver, get_resolver

#: Django admin guards its own views (staff only).
EXEMPT_NAMESPACES = frozenset({"admin"})


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
