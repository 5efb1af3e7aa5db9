"""One user: facts, error with cause and advice, timeline, jobs, actions."""

from __future__ import annotations

import uuid as uuids

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.access import requires
from accounts.rights import Right
from common import clock, throttle
from provisioning.models import Subscriber
from provisioning.sync import check_now
from provisioning.sync.check_now import Refreshed
from userstatus.requests import ConsoleRequest
from userstatus.user import reads

#: *Check now*, for one person.
CHECK_LIMIT = throttle.Limit(20, 60)

_TOLD = {
    Refreshed.CURRENT: gettext_lazy("Webex was asked: this is how the user is now."),
    Refreshed.GONE: gettext_lazy("Webex no longer holds this user."),
    Refreshed.BUSY: gettext_lazy("An action on this user is under way; it asks Webex by itself."),
    Refreshed.HELD: gettext_lazy("Webex asks us to wait. Check again in a minute."),
    Refreshed.TOKEN: gettext_lazy("Webex refuses our token. Operations must renew it."),
    Refreshed.SILENT: gettext_lazy("Webex cannot be reached. Nothing was changed."),
}
_GOOD = {Refreshed.CURRENT, Refreshed.GONE}


@require_safe
@requires(Right.SEE)
def user(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """One user, deleted ones too; a poll that knows the user as it is gets 204."""
    row = _subscriber(request, uuid)
    page = reads.page_of(row, request.user, clock.now())
    if request.htmx and request.GET.get("v") == page.row.state:
        return HttpResponse(status=204)
    context = {
        "page": page,
        "row": page.row,
        "subscriber": row,
        "nav_path": reverse("userstatus:users", args=[row.template.uuid]),
    }
    name = "_user.html" if request.htmx else "user.html"
    return render(request, f"userstatus/user/{name}", context)


@require_POST
@requires(Right.ACT)
def user_check(request: ConsoleRequest, uuid: uuids.UUID) -> HttpResponse:
    """Ask Webex for this one user now."""
    row = _subscriber(request, uuid)
    if throttle.take("user-check", str(request.user.pk), limit=CHECK_LIMIT):
        outcome = check_now.refresh_one(row)
    else:
        outcome = Refreshed.HELD
    tell = messages.success if outcome in _GOOD else messages.warning
    tell(request, _TOLD[outcome])
    return redirect(row)


def _subscriber(request: ConsoleRequest, uuid: uuids.UUID) -> Subscriber:
    """The partner's own user; anybody else's is as missing as none."""
    found = Subscriber.objects.visible_to(request.user).select_related("template", "connection")
    row: Subscriber | None = found.filter(uuid=uuid).first()
    if row is None:
        raise Http404
    return row
