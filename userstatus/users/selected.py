"""The dialog that shows all who are selected, also those who are not in view.

The list of keys is the browser's; here they become rows, a portion at a time. What is not shown
yet goes along in the form that asks for the next portion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.rights import Right
from common import clock
from common.templatetags.look import figure
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.models import Subscriber
from userstatus.filter_texts import filters_of
from userstatus.requests import ConsoleRequest
from userstatus.row_keys import joined, keys_of, short
from userstatus.scope import Scope, scope_of
from userstatus.users.page import SHOWN_COLUMNS
from userstatus.users.rows import Row, rows_of

#: Rows at a time.
PAGE_SIZE = 100


@require_POST
@requires(Right.SEE)
def selected(request: ConsoleRequest, uuid: UUID | None = None) -> HttpResponse:
    """The dialog, or for `more=on` the next portion: of those ticked (`id`), or left out (`not`).

    `all=on` with the list's filters stands for all that match.
    """
    scope, data = scope_of(request, uuid), request.POST
    is_all = data.get("all") == "on"
    keys = keys_of(data.getlist("not" if is_all else "id"))
    rest = keys[PAGE_SIZE:]
    context: dict[str, Any] = {
        "users": _users(scope, keys[:PAGE_SIZE]),
        "path": scope.selected_path,
        "is_all": is_all,
        "rest": joined(rest),
        "more": min(len(rest), PAGE_SIZE),
    }
    if data.get("more") == "on":
        return render(request, "userstatus/users/_selected.html", context | {"is_more": True})
    context |= _everybody(scope, scope.chosen(data), keys) if is_all else _some(len(keys))
    return render(request, "userstatus/users/selected.html", context)


def _users(scope: Scope, ids: Sequence[int]) -> list[tuple[str, Row | None]]:
    """Key and row of each, in the order they were ticked; None for who is not in this list."""
    visible = Subscriber.objects.visible_to(scope.user).filter(pk__in=ids)
    if scope.template:
        visible = visible.filter(template=scope.template)
    users = list(visible.select_related("template").only(*SHOWN_COLUMNS))
    found = {row.user.pk: row for row in rows_of(users, now=clock.now())}
    return [(short(pk), found.get(pk)) for pk in ids]


def _some(number: int) -> dict[str, Any]:
    words = ngettext("%(count)s selected", "%(count)s selected", number)
    return {"title": words % {"count": figure(number)}}


def _everybody(scope: Scope, chosen: UserFilter, keys: Sequence[int]) -> dict[str, Any]:
    """How many match by now, and by which filters; no number where nobody counts them."""
    spared = len(keys)
    total, is_capped = scope.finder(chosen).total
    # Who is left out and does not match any more takes nobody away.
    known = _uncounted(spared) if is_capped else _some(total - _matching(scope, chosen, keys))
    return known | {
        "total": "" if is_capped else figure(total),
        "filters": filters_of(chosen),
        "spared": spared,
    }


def _matching(scope: Scope, chosen: UserFilter, ids: Sequence[int]) -> int:
    """How many of these match; each is read, which is less than all that a search finds."""
    return filters.among(scope.users.filter(pk__in=ids), chosen).count()


def _uncounted(spared: int) -> dict[str, Any]:
    if not spared:
        return {"title": _("All that match are selected")}
    return {"title": _("All that match but {n}").replace("{n}", figure(spared))}
