"""The start page: what needs attention."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from common import clock
from userstatus.home import attention
from userstatus.home.attention import users_url
from userstatus.requests import ConsoleRequest


@require_safe
@requires(Right.SEE)
def overview(request: ConsoleRequest) -> HttpResponse:
    """Errors by cause, who must act, what failed, which template needs mending."""
    now = clock.now()
    context = {
        "now": now,
        "attention": attention.attention(request.user, now),
        "errors_url": users_url(status=["error"]),
        "waiting_url": users_url(status=attention.WAITING),
        "provisioned_url": users_url(status=["provisioned"]),
    }
    return render(request, "userstatus/overview/overview.html", context)
