"""The page on which one finds a form again that was sent after the session had ended."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.rights import Right
from common import lost_forms


@require_safe
@requires(Right.SEE)
def sent_again(request: HttpRequest) -> HttpResponse:
    """Show what was filled in; nothing is done before it is sent again."""
    lost = lost_forms.kept(request)
    if lost is None:
        return redirect("/")
    return render(request, "account/sent_again.html", {"lost": lost})
