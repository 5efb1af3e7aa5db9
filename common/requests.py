"""What every request gets: an id, headers, a refusal of other sites' posts."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import is_valid_path
from django.utils.crypto import salted_hmac

Respond = Callable[[HttpRequest], HttpResponse]
#: No page knows another one; each says itself which of these it knows.
_METHODS = ["GET", "HEAD", "POST", "OPTIONS"]
_STATIC = re.compile(r"^/static/")
#: Pages whose address holds a key or a token, refusals of them included. (In the page a meta
#: element lets our own pages have it: else browsers send "Origin: null" with our forms.)
_SECRET_IN_PATH = re.compile(r"^/activate/")


def client_ip(request: HttpRequest) -> str:
    """The address that the request came from, believing only our own proxies (ASVS 15.3.4)."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES:
        chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(chain) >= settings.TRUSTED_PROXIES:
            address = chain[-settings.TRUSTED_PROXIES].strip()
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


def network_of(address: str) -> str:
    """What a throttle counts as one address: an IPv6 customer owns a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


class RequestMiddleware:
    """Gives the request an id, and keeps private pages out of caches and Referer headers."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id(request))
        response = self.get_response(request)
        response["X-Request-ID"] = request_id(request)
        response.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not _STATIC.match(request.path):
            response.setdefault("Cache-Control", "no-store")
        if _SECRET_IN_PATH.match(request.path):
            response["Referrer-Policy"] = "no-referrer"
        return response


class CrossSiteMiddleware:
    """Refuses odd methods, and forms of which the browser says that another site sent them.

    The second is a check beside the CSRF token. The innermost middleware, so that its refusals
    carry every header.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        unsafe = request.method not in ("GET", "HEAD", "OPTIONS")
        if unsafe and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return render(request, "403_csrf.html", status=403)
        response = self.get_response(request)
        lost = response.status_code == 405 and request.method == "GET"
        return _lost_form(request, response) if lost else response


def _lost_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A form's address opened as a page, mostly after signing in again: leads to its page."""
    page = render(request, "405.html", {"page": _page_above(request.path)}, status=405)
    page["Allow"] = response["Allow"]
    return page


def _page_above(path: str) -> str:
    """The nearest address above this one that is ours."""
    parts = path.strip("/").split("/")[:-1]
    while parts and not is_valid_path(f"/{'/'.join(parts)}/"):
        parts.pop()
    return f"/{'/'.join(parts)}/" if parts else "/"


def request_id(request: HttpRequest) -> str:
    """The id to quote to support; it is in every log line and error page of this request."""
    return str(getattr(request, "request_id", ""))


def request_context(request: HttpRequest) -> dict[str, Any]:
    """Template context of every page."""
    return {
        "request_id": request_id(request),
        "simulated": bool(settings.SIMULATOR_URL),
        "account_mark": account_mark(request),
    }


def account_mark(request: HttpRequest) -> str:
    """Tells one signed-in account from another, and nothing else; "" for nobody.

    A page that polls compares it, lest it show what belongs to another account that was signed in
    in another tab.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not hasattr(request, "user"):
        return ""
    key = request.user.pk
    return salted_hmac("common.account", str(key)).hexdigest()[:16] if key else ""
