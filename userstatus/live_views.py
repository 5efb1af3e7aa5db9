"""The poll of a page that is open: rows that changed, counts, sync age, newcomers.

The page says which rows it shows and in which state (`rows`), and which row was the newest when
it was made (`since`). The answer holds only what is different; the page puts the new contents
into its cells and never replaces a row.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from provisioning import filtering
from provisioning.models import Subscriber
from userstatus import lists, paging, ribbon
from userstatus.list_views import scope_of
from userstatus.lists import Scope
from userstatus.rows import number_of, rows_of

#: A page never shows more rows; further ones in the address are not answered.
_MOST = max(paging.SIZES)


@require_safe
@requires(Right.SEE)
def live(request: HttpRequest, uuid: UUID | None = None) -> HttpResponse:
    """What is different now."""
    scope, now = scope_of(request, uuid), timezone.now()
    chosen = scope.chosen(request.GET)
    seen = _seen(request.GET.get("rows", ""))
    rows = rows_of(_shown(scope, seen), now=now)
    counts = lists.status_counts(scope, chosen)
    context = {
        "rows": [row for row in rows if seen[row.user.pk] != row.state],
        "is_busy": any(row.is_busy for row in rows),
        "ribbon": ribbon.ribbon_of(counts, chosen, ""),
        "sync": lists.sync_of(scope.user, now),
        "arrived": _arrived(scope, chosen, request.GET.get("since", "")),
        "with_template": scope.template is None,
        "with_ticks": scope.can_tick,
        "now": now,
    }
    return render(request, "userstatus/users/live.html", context)


def _seen(text: str) -> dict[int, str]:
    """Read `<key>-<state>_<key>-<state>…`; what is not understood is left out."""
    found: dict[int, str] = {}
    for part in text[:8000].split("_")[:_MOST]:
        key, _sign, state = part.partition("-")
        pk = number_of(key)
        if pk is not None and state:
            found[pk] = state
    return found


def _shown(scope: Scope, seen: dict[int, str]) -> list[Subscriber]:
    """The page's rows, those deleted meanwhile too: they stay where they are, and say so."""
    visible = Subscriber.objects.visible_to(scope.user).filter(pk__in=seen)
    if scope.template:
        visible = visible.filter(template=scope.template)
    return list(visible.select_related("template").only(*lists.DRAWN))


def _arrived(scope: Scope, chosen: filtering.UserFilter, since: str) -> int:
    """How many users that the filter shows came after the page was made."""
    newest = number_of(since)
    if newest is None:
        return 0
    return filtering.narrow(scope.users.filter(pk__gt=newest), chosen).count()
