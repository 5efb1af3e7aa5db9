"""The enterprises that the filter of the list offers, asked for while somebody types."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from common.bidi import isolated
from provisioning.lists.enterprises import Found, matching
from provisioning.lists.filters import VALUE_LENGTH, clean
from userstatus.requests import ConsoleRequest
from userstatus.scope import scope_of
from userstatus.users.facets import Option


@require_safe
@requires(Right.SEE)
def enterprises(request: ConsoleRequest, uuid: UUID | None = None) -> HttpResponse:
    """The options that have `find` in them; `enterprise` is the one chosen now, which stays.

    `template` narrows them as it narrows the list.
    """
    scope = scope_of(request, uuid)
    find = clean(request.GET.get("find", ""), VALUE_LENGTH)
    narrowed = scope.chosen(request.GET)
    chosen = narrowed.enterprise
    found = matching(scope.template_ids(narrowed), find)
    options = [Option(chosen, chosen, None, is_chosen=True)] if chosen else []
    options += [Option(name, name, None, False) for name in found.names if name != chosen]
    context = {"options": options, "chosen": chosen, "said": _said(found, find)}
    return render(request, "userstatus/users/_enterprises.html", context)


def _said(found: Found, find: str) -> str:
    """What a screen reader hears, and everybody reads when not all can be shown."""
    n = len(found.names)
    if found.has_more:
        return _("These are the first %(n)s. Type a part of the name.") % {"n": n}
    if not n:
        return (
            _("No enterprise has “%(text)s” in its name.") % {"text": isolated(find)}
            if find
            else ""
        )
    return ngettext("%(n)s enterprise", "%(n)s enterprises", n) % {"n": n}
