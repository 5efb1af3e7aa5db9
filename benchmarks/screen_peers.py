"""The peers' addresses beside the product's: an empty page, Django admin, plain django-tables2.

All stand behind the product's middleware and read session and user, as our page does.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.urls import URLPattern, URLResolver, path

from accounts.access import requires
from accounts.rights import Right
from partnerhub import urls
from provisioning.models import Subscriber

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Subscriber]
else:
    ModelAdmin = admin.ModelAdmin

SIZE = 50
COLUMNS = ("broadworks_id", "name", "email", "package", "status", "error_code", "error_text")
_PAGE = "{% load render_table from django_tables2 %}{% render_table table %}"


@requires(Right.SEE)
def empty(request: HttpRequest) -> HttpResponse:
    """A page with nothing in it, for somebody who is signed in."""
    return render(request, "console.html")


@requires(Right.SEE)
def nothing(request: HttpRequest) -> HttpResponse:
    """An answer of no bytes, for somebody who is signed in."""
    return HttpResponse()


# ---- Django admin ----


class OpenSite(admin.AdminSite):
    """Ours lets only operations in, who have no partner."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Let everybody in who is signed in."""
        return request.user.is_authenticated


class Changelist(ModelAdmin):
    """As people declare it; of one template, or of all that the partner has."""

    list_display = [*COLUMNS, "template", "last_change_at"]
    list_filter = ["status"]
    list_select_related = ["template"]
    list_per_page = SIZE  # as many rows as ours
    search_fields = ["broadworks_id", "first_name", "last_name", "email", "primary_phone"]
    ordering = ["-last_change_at", "-id"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Live users; `template__id__exact` in the address narrows them."""
        return super().get_queryset(request).filter(deleted_at=None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody may look."""
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody may look."""
        return True

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """All fields of its own may be filtered."""
        return True


site = OpenSite(name="bench")
site.register(Subscriber, Changelist)


# ---- django-tables2 ----


class PlainTable(tables.Table):
    """The same columns, nothing said about how they are drawn."""

    broadworks_id = tables.Column()
    name = tables.Column(order_by=("first_name", "last_name"))
    email = tables.Column()
    template = tables.Column(accessor="template__name")
    package = tables.Column()
    status = tables.Column()
    error_code = tables.Column()
    error_text = tables.Column()
    last_change_at = tables.DateTimeColumn()


@cache
def _page() -> Any:
    return engines["django"].from_string(_PAGE)


class PlainTableView(tables.SingleTableView):
    """As its documentation shows it."""

    table_class = PlainTable
    table_pagination = {"per_page": SIZE}
    model = Subscriber

    def get_queryset(self) -> Any:
        """The users that the address names, newest first."""
        given = self.request.GET.dict()
        given.pop("page", None)
        wanted = {
            name: value.split(",") if name.endswith("__in") else value
            for name, value in given.items()
        }
        users = Subscriber.objects.filter(deleted_at=None, **wanted)
        return users.select_related("template").order_by("-last_change_at", "-id")

    def get_template_names(self) -> Any:
        """Compiled once."""
        return _page()


urlpatterns: list[URLPattern | URLResolver] = [
    path("bench/empty/", empty),
    path("bench/nothing/", nothing),
    path("bench/admin/", site.urls),
    path("bench/tables2/", requires(Right.SEE)(PlainTableView.as_view())),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
