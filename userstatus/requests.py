"""The request of a console view, let in by `accounts.access.requires`: whose, and from where."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
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


def own_path(address: str) -> str:
    """An address that a form or link asks us to go to, when it is a path of ours; else ""."""
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours and address.startswith("/") else ""


def way_back(request: ConsoleRequest, otherwise: str) -> str:
    """Where the person came from: the form's `next`, else the page with the link, else the other.

    Only a path of our own is followed.
    """
    data = request.POST if request.method == "POST" else request.GET
    wanted = data.get("next", "")
    if not wanted and not request.htmx:
        wanted = _referring_path(request)
    path = own_path(wanted)
    return path if path and urlsplit(path).path != request.path else otherwise


def _referring_path(request: ConsoleRequest) -> str:
    """The path of the page with the link, when it is ours; a Referer may be anything."""
    try:
        parts = urlsplit(request.META.get("HTTP_REFERER", ""))
    except ValueError:
        return ""
    if parts.netloc != request.get_host():
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
