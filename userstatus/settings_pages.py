"""Settings: the cards from which an administrator starts."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import requires
from accounts.models import User
from accounts.rights import Right
from templates_app.models import OnboardingTemplate
from userstatus.requests import ConsoleRequest

#: So many people are named on the card; the page behind it names all.
PEOPLE_SHOWN = 6


@require_safe
@requires(Right.SEE)
def settings_page(request: ConsoleRequest) -> HttpResponse:
    """The cards BroadWorks Calling, Administrators and You."""
    people = User.objects.visible_to(request.user).filter(is_active=True).order_by("name", "email")
    shown = list(people[: PEOPLE_SHOWN + 1])
    context = {
        "template_count": OnboardingTemplate.objects.visible_to(request.user).count(),
        "people": shown[:PEOPLE_SHOWN],
        "more_people": len(shown) > PEOPLE_SHOWN,
    }
    return render(request, "userstatus/settings/settings.html", context)
