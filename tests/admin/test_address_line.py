"""Whatever stands in the address line of Django admin, no page breaks."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib import admin
from django.urls import reverse

LISTS = sorted(
    f"admin:{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry
)
NASTY = [
    "\x00",
    "99999999",
    "-1",
    "9" * 400,
    "1e999",
    "ñ",
    "'",
    "[",
    "(?<",
    "\ud800",
    "2026-13-45",
    "",
]
TIMES = ("year", "month", "day", "week_day", "gte", "lt", "date", "time", "hour", "range", "isnull")


def lookups(model) -> list[str]:
    """Everything that a list of this model might be narrowed by."""
    found = ["q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters"]
    for field in model._meta.concrete_fields:
        found += [field.name, f"{field.name}__exact", f"{field.name}__in", f"{field.name}__regex"]
        if field.is_relation:
            found += [
                f"{field.name}__id__exact",
                f"{field.name}__nonsense",
                f"{field.name}__id__in",
            ]
        if "Date" in field.get_internal_type():
            found += [f"{field.name}__{what}" for what in TIMES]
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_a_list_narrowed_by_nonsense_is_a_list_or_says_so(browser, name):
    model = next(
        model
        for model in admin.site._registry
        if name == f"admin:{model._meta.app_label}_{model._meta.model_name}"
    )
    address = reverse(f"{name}_changelist")

    wrong = {}
    for lookup in lookups(model):
        for text in NASTY:
            query = f"{lookup}={quote(text, errors='surrogatepass')}"
            status = browser.get(f"{address}?{query}").status_code
            if status not in {200, 302, 400, 403, 404}:
                wrong[query] = status

    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("key", ["0", "9" * 60, "%00", "x", "_00", "-1", "1/change/1", "%F0%9F"])
def test_an_object_that_cannot_be_is_not_found(browser, name, key):
    address = reverse(f"{name}_changelist")

    for page in (f"{key}/change/", f"{key}/delete/", f"{key}/history/", f"{key}/do/x/", key):
        assert browser.get(address + page, follow=True).status_code in {200, 403, 404}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["accounts_partner", "accounts_user", "accounts_backendconnection"]
)
def test_a_new_object_filled_in_by_the_address_is_a_form(browser, name):
    model = next(m for m in admin.site._registry if name.endswith(m._meta.model_name))
    address = reverse(f"admin:{name}_add")

    for field in model._meta.concrete_fields:
        for text in NASTY:
            query = f"{field.name}={quote(text, errors='surrogatepass')}"
            assert browser.get(f"{address}?{query}").status_code == 200, query
