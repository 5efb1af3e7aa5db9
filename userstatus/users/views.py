"""User status: the list of one template's users, or of all the partner's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from common import clock
from userstatus import context
from userstatus.actions.registry import bulk_offers
from userstatus.actions.selection import session_mark
from userstatus.filter_texts import SORTS
from userstatus.requests import ConsoleRequest
from userstatus.scope import scope_of
from userstatus.users import paging
from userstatus.users.page import UserList, user_list
from userstatus.users.paging import PageRequest


@require_safe
@requires(Right.SEE)
def users(request: ConsoleRequest, uuid: UUID | None = None) -> HttpResponse:
    """The page, or for htmx only what a filter changes."""
    # The side bar asks for all templates anyway.
    scope = scope_of(request, uuid, context.templates_of(request))
    chosen, page_request = scope.chosen(request.GET), PageRequest.parse(request.GET)
    listed = user_list(scope, chosen, page_request, clock.now())
    name = "parts" if request.htmx else "list"
    response = render(request, f"userstatus/users/{name}.html", list_context(request, listed))
    response["Vary"] = "HX-Request"
    return response


def list_context(request: ConsoleRequest, listed: UserList) -> dict[str, Any]:
    """What the list's templates read."""
    names = ["templates", "packages", "errors", "enterprises"]
    return {
        "list": listed,
        "path": listed.scope.path,
        "query": listed.query,
        "rows": listed.rows,
        "with_template": listed.scope.template is None,
        "with_ticks": listed.scope.can_tick,
        "now": clock.now(),
        "labels": {name: listed.facets.chosen(name) for name in names},
        "export_path": listed.scope.export_path,
        "sizes": [(size, size) for size in paging.SIZES],
        "sorts": SORTS.items(),
        "bulk_offers": bulk_offers(request.user, listed.scope.template),
        "selection_mark": session_mark(request),
        "keeps_tools": request.headers.get("X-Keep-Tools") == "true",
    }
