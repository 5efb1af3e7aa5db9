"""Addresses that exist only in the embedded default."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "dev"
urlpatterns: list[URLPattern | URLResolver] = []
