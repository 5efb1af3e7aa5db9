"""One's own account."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.access import requires
from accounts.audit import Actor
from accounts.people_forms import AccountForm
from accounts.rights import Right
from userstatus.requests import ConsoleRequest


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Right.SEE)
def account(request: ConsoleRequest) -> HttpResponse:
    """Name, language and the way to a new password."""
    user = request.user
    form = AccountForm(request.POST or None, initial={"name": user.name, "language": user.language})
    if request.method == "POST" and form.is_valid():
        services.change_own_account(person=user, actor=Actor.of(request), **form.cleaned_data)
        with translation.override(form.cleaned_data["language"] or translation.get_language()):
            messages.success(request, _("Saved."))
        return redirect("userstatus:account")
    status = 422 if form.errors else 200
    return render(request, "userstatus/account/account.html", {"form": form}, status=status)
