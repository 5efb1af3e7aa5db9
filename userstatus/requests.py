"""The request of a console view, after `accounts.access.requires` has let it in."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Partner, User


class ConsoleRequest(HttpRequest):
    """For type checkers: a signed-in administrator, and what htmx said of itself."""

    user: User
    htmx: HtmxDetails


def partner_of(request: ConsoleRequest) -> Partner:
    """The administrator's partner."""
    if request.user.partner is None:
        raise PermissionDenied
    return request.user.partner
