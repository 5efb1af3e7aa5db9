"""Settings: the cards from which an administrator starts, and one's own account."""

from __future__ import annotations

from heapq import nsmallest

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services
from accounts.access import requires
from accounts.audit import Actor
from accounts.models import User
from accounts.people_forms import AccountForm
from accounts.rights import Right
from common.folding import sort_key
from templates_app.models import OnboardingTemplate
from userstatus.requests import ConsoleRequest

#: So many people are named on the card; the page behind it names all.
PEOPLE_SHOWN = 6


@require_safe
@requires(Right.SEE)
def settings_page(request: ConsoleRequest) -> HttpResponse:
    """The cards BroadWorks Calling, Administrators and You."""
    people = User.objects.visible_to(request.user).filter(is_active=True)
    shown = nsmallest(PEOPLE_SHOWN + 1, people, key=lambda row: (sort_key(row.name), row.email))
    context = {
        "template_count": OnboardingTemplate.objects.visible_to(request.user).count(),
        "people": shown[:PEOPLE_SHOWN],
        "more_people": len(shown) > PEOPLE_SHOWN,
    }
    return render(request, "userstatus/settings/settings.html", context)


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
