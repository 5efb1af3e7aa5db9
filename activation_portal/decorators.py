"""What every portal page has: a known key, private headers, a small body, one look."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.access import public
from templates_app.models import OnboardingTemplate

#: Bytes. The longest honest form of the portal is a tenth of it (reliability.md S26).
MAX_BODY = 16 * 1024

View = Callable[..., HttpResponseBase]


def portal(*methods: str) -> Callable[[View], View]:
    """Make a view a portal page: it gets the template instead of the key.

    An unknown key and one that was replaced look alike: 404 in the portal's look.
    """

    def decorate(view: View) -> View:
        @public("end users have no account here; the session holds their run")
        @require_http_methods([*methods, "HEAD"] if "GET" in methods else list(methods))
        @wraps(view)
        def page(request: HttpRequest, key: str, **more: Any) -> HttpResponseBase:
            return _private(_answer(view, request, key, more))

        return page

    return decorate


def _answer(view: View, request: HttpRequest, key: str, more: dict[str, Any]) -> HttpResponseBase:
    template = (
        OnboardingTemplate.objects.select_related("partner", "partner__connection")
        .filter(activation_key=key.replace("\x00", " "))  # PostgreSQL has no NUL in texts
        .first()
    )
    if template is None:
        return render(request, "activation_portal/unknown.html", status=404)
    if _length(request) > MAX_BODY:
        answer = render_page(request, template, "too_large")
        answer.status_code = 413
        return answer
    return view(request, template, **more)


def _length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isdigit() else 0


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


def render_page(
    request: HttpRequest, template: OnboardingTemplate, name: str, **context: Any
) -> HttpResponse:
    """Render a portal page in the partner's look."""
    context |= {"template": template, "partner": template.partner}
    return render(request, f"activation_portal/{name}.html", context)
