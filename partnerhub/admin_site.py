"""The site of Django admin: operations only, signed in at our own door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.contrib import auth
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import FieldError, PermissionDenied
from django.db import DataError, ProgrammingError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext_lazy

from accounts.access import refusal
from accounts.operations_admin import is_operations
from common import clock
from partnerhub import admin_dashboard
from partnerhub.rehearsal import views as rehearsal_views

logger = logging.getLogger(__name__)

#: What comes of an address that asks for a year 99999999, or holds a NUL.
_BAD_ADDRESS = (ValueError, OverflowError, DataError, ProgrammingError, FieldError)


def _guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Lead from a query that cannot be asked to the page without it, as Django does from others."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method not in {"GET", "HEAD"}:
            return view(request, *args, **kwargs)
        try:
            with transaction.atomic():  # in which a statement may break off
                answer = view(request, *args, **kwargs)
                return answer.render() if hasattr(answer, "render") else answer
        except _BAD_ADDRESS as error:
            if not request.GET.keys() - {ERROR_FLAG}:
                raise
            logger.warning("bad address in admin", extra={"reason": type(error).__name__})
            return redirect(f"{quote(request.path)}?{ERROR_FLAG}=1")

    return guarded


class OperationsSite(AdminSite):
    """Django admin without a sign-in form of its own and without bulk delete."""

    site_header = gettext_lazy("Partner Hub operations")
    site_title = gettext_lazy("Partner Hub operations")
    index_title = gettext_lazy("What runs, and what it runs on")
    site_url = None
    index_template = "admin/operations_index.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Ours come before Django's own, whose last one catches everything."""
        return [*rehearsal_views.urls(self), *super().get_urls()]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Guard each page against its address: Django builds queries from it as it stands."""
        return super().admin_view(_guarded(view), cacheable)

    def has_permission(self, request: HttpRequest) -> bool:
        return is_operations(request.user)

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The start page begins with what needs somebody at night."""
        board = {"signs": admin_dashboard.signs(clock.now())}
        return super().index(request, board | (extra_context or {}))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Strangers go to /login/ and come back; partners' administrators are refused."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied(refusal(request.user))
        wanted = request.GET.get("next") or request.get_full_path()
        return redirect_to_login(wanted)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Only by POST: a link on another page must not sign anybody out."""
        if request.method == "POST":
            auth.logout(request)
        return redirect("account_login" if request.method == "POST" else "admin:index")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")
