"""The poll of a page that is open: rows that changed, counts, sync age, newcomers.

The page says which rows it shows and in which state (`rows`), and which row was the newest when
it was made (`since`). The answer holds only what is different; the page puts the new contents
into its cells and never replaces a row.

Hundreds of pages ask all the time and nearly always nothing is different: rows are read only when
their signs say that they changed.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from common import clock, sql
from provisioning.lists import live_changes
from provisioning.lists.filters import UserFilter
from provisioning.lists.live_changes import RowState
from provisioning.models import Subscriber
from provisioning.states import UNSETTLED, Status
from templates_app.models import OnboardingTemplate
from userstatus.requests import ConsoleRequest
from userstatus.row_keys import number_of
from userstatus.scope import Scope, scope_of
from userstatus.users import page, paging
from userstatus.users.rows import rows_of, state_word

#: A page never shows more rows; further ones in the address are not answered.
_MAX_ROWS = max(paging.SIZES)
_BY_IDS = "WHERE partner_id = %(partner)s AND id = ANY(%(ids)s)"


@require_safe
@requires(Right.SEE)
def live(request: ConsoleRequest, uuid: UUID | None = None) -> HttpResponse:
    """What is different now."""
    scope, now = scope_of(request, uuid), clock.now()
    chosen = scope.chosen(request.GET)
    seen = _seen(request.GET.get("rows", ""))
    signs = _signs(scope, seen)
    changed = {sign.pk for sign in signs if seen[sign.pk] != _state(sign)}
    arrived = _arrived(scope, chosen, request.GET.get("since", ""))
    context = {
        "rows": rows_of(_users(scope, changed), now=now) if changed else [],
        "is_busy": any(_is_busy(sign) for sign in signs),
        "counts": _counts(scope, chosen, is_new=bool(changed or arrived)),
        "sync": page.sync_of(scope.user, now),
        "arrived": min(arrived, live_changes.MAX_ARRIVED),
        "has_more": arrived > live_changes.MAX_ARRIVED,
        "with_template": scope.template is None,
        "with_ticks": scope.can_tick,
        "now": now,
    }
    return render(request, "userstatus/users/live.html", context)


def _seen(text: str) -> dict[int, str]:
    """Read `<key>-<state>_<key>-<state>…`; what is not understood is left out."""
    found: dict[int, str] = {}
    for part in text[:8000].split("_")[:_MAX_ROWS]:
        key, _sign, state = part.partition("-")
        pk = number_of(key)
        if pk is not None and state:
            found[pk] = state
    return found


def _signs(scope: Scope, seen: Collection[int]) -> list[RowState]:
    """Of the page's rows, those deleted meanwhile too: they stay where they are, and say so."""
    partner_id = scope.user.partner_id
    found = live_changes.row_states(partner_id, seen) if seen and partner_id else []
    template = scope.template
    return [sign for sign in found if template is None or sign.template_id == template.pk]


def _state(sign: RowState) -> str:
    return state_word(sign.version, sign.job_state, held=sign.held)


def _is_busy(sign: RowState) -> bool:
    """Something will change by itself soon, as `Row.is_busy` says it."""
    return not sign.is_deleted and bool(sign.job_state or sign.backend_status in UNSETTLED)


def _users(scope: Scope, ids: Collection[int]) -> list[Subscriber]:
    """The users with their templates; one who went to another template meanwhile is left out."""
    values = {"partner": scope.user.partner_id, "ids": list(ids)}
    found = sql.rows_prepared(Subscriber, _BY_IDS, values)
    if scope.template:
        known = {scope.template.pk: scope.template}
    else:
        known = sql.by_id(OnboardingTemplate, {user.template_id for user in found})
    for user in found:
        if user.template_id in known:
            user.template = known[user.template_id]
    return [user for user in found if user.template_id in known]


def _counts(scope: Scope, chosen: UserFilter, *, is_new: bool) -> dict[str, int]:
    """How many users each status has, "" all; nothing says that the page's counts stay.

    A search is counted again only when something is known to be new.
    """
    if chosen.q and not is_new:
        return {}
    by_status = page.status_counts(scope, chosen)
    if by_status is None:
        return {}
    return {"": by_status.total(), **dict.fromkeys(Status.values, 0), **by_status}


def _arrived(scope: Scope, chosen: UserFilter, since: str) -> int:
    """How many users that the filter shows came after the page was made."""
    shown = number_of(since)
    if shown is None or live_changes.newest() <= shown:  # nearly always: then no query is built
        return 0
    return live_changes.arrived(scope.users, chosen, shown)
