"""The system check that refuses an address nobody guards."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from accounts.access import public, requires
from accounts.rights import Right
from partnerhub import checks


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def another(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


inner = ([path("forgotten/", another, name="forgotten")], "inner")
urlpatterns = [
    path("guarded/", requires(Right.SEE)(page), name="guarded"),
    path("open/", public("a test")(page), name="open"),
    path("x/", include(inner)),
]


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_that_says_nothing_is_an_error() -> None:
    found = checks.guarded_views()

    assert [error.id for error in found] == ["partnerhub.E001"]
    assert "inner:forgotten" in found[0].msg


def test_the_product_has_none() -> None:
    assert checks.guarded_views() == []


def test_every_address_is_listed_with_its_full_name() -> None:
    names = [name for name, _ in checks.views()]

    assert {"account_login", "admin:index", "healthz"} <= set(names)
