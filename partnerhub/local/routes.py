"""The product's addresses as files: which view answers, and what every request goes through."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from partnerhub.local.bootstrap import ROOT

#: Views that aren't ours are allauth's and Django admin's, which our classes here shape.
SHAPED = {"admin": "admin", "": "accounts"}


def routes() -> list[tuple[str, re.Pattern[str], str]]:
    """Return each address by name and by path, with the file of what answers."""
    return [
        (name, re.compile(path), file)
        for name, path, view in _views(get_resolver(), "", "/")
        for file in _files_of(name, view)
    ]


def on_request() -> set[str]:
    """Return the files of our middleware and context processors."""
    named = [*settings.MIDDLEWARE]
    for engine in settings.TEMPLATES:
        named += engine.get("OPTIONS", {}).get("context_processors", [])
    return set(filter(None, (_file(import_string(name).__module__) for name in named)))


def _views(resolver: URLResolver, space: str, path: str) -> Iterator[tuple[str, str, Any]]:
    for entry in resolver.url_patterns:
        here = path + _expression(str(entry.pattern))
        if isinstance(entry, URLResolver):
            inner = ":".join(filter(None, (space, entry.namespace)))
            yield from _views(entry, inner, here)
        elif isinstance(entry, URLPattern):
            name = ":".join(filter(None, (space, entry.name or "-")))
            yield name, here, entry.callback


def _expression(route: str) -> str:
    """A route as a regular expression that is content with anything in place of a value."""
    plain = re.split(r"[(\\]", route.strip("^$"))[0] + (".*" if "(" in route else "")
    return re.sub(r"<[^>]+>", "[^/]+", plain)


def _files_of(name: str, view: Any) -> list[str]:
    if file := _file(view.__module__):
        return [file]
    word = SHAPED["admin" if name.startswith("admin:") else ""]
    found = ROOT.glob(f"*/{word}*" if word == "admin" else f"{word}/*.py")
    modules = [one for path in found for one in (path.rglob("*.py") if path.is_dir() else [path])]
    return [path.relative_to(ROOT).as_posix() for path in modules if path.suffix == ".py"]


def _file(module: str) -> str:
    """A module's path below the checkout; empty for one of a package that isn't ours."""
    path = Path(getattr(sys.modules.get(module), "__file__", None) or "/").resolve()
    ours = path.is_relative_to(ROOT) and ".venv" not in path.parts
    return path.relative_to(ROOT).as_posix() if ours else ""
