"""What every page of the console shows around its own content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def console(request: HttpRequest) -> dict[str, Any]:
    """The side bar's templates with their error counts, lazily: pages without it ask nothing."""
    return {}
