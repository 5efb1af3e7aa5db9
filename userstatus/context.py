"""What every page of the console shows around its own content."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest

from accounts.models import BackendConnection, connection_of
from accounts.rights import Right, may
from common import clock
from userstatus import counts
from userstatus.connection_texts import ConnectionLine, line_of
from userstatus.jobs import job_list

#: Where a request keeps its templates.
_TEMPLATES = "console_templates"


def templates_of(request: HttpRequest) -> list[Any]:
    """The partner's templates with their errors, read once a request; none for others."""
    user: Any = getattr(request, "user", None)
    if user is None or not may(user, Right.SEE):
        return []
    if not hasattr(request, _TEMPLATES):
        setattr(request, _TEMPLATES, counts.templates_with_errors(user))
    found: list[Any] = getattr(request, _TEMPLATES)
    return found


def console(request: HttpRequest) -> dict[str, Any]:
    """The side bar: templates with their errors, unfinished jobs, how Webex answers.

    All of it is asked when a template uses it and once a request, so pages without the side bar
    (sign-in, the portal, error pages with the database away) ask nothing.
    """

    @cache
    def user() -> Any:
        found = getattr(request, "user", None)
        return found if found is not None and may(found, Right.SEE) else None

    def nav_templates() -> list[Any]:
        return templates_of(request)

    @cache
    def nav_jobs() -> int:
        return job_list.unfinished_count(user()) if user() else 0

    @cache
    def nav_connection() -> BackendConnection | None:
        return connection_of(user()) if user() else None

    @cache
    def nav_line() -> ConnectionLine | None:
        return line_of(nav_connection(), clock.now()) if user() else None

    return {
        "nav_line": nav_line,
        "nav_templates": nav_templates,
        "nav_jobs": nav_jobs,
        "nav_connection": nav_connection,
    }
