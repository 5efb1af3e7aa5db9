"""Addresses of the administrators' pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "userstatus"
urlpatterns: list[URLPattern | URLResolver] = []
