"""Addresses of the administrators' pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from userstatus import urls_console, urls_exports, urls_users

app_name = "userstatus"
urlpatterns: list[URLPattern | URLResolver] = [
    *urls_console.urlpatterns,
    *urls_exports.urlpatterns,
    *urls_users.urlpatterns,
]
