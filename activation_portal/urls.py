"""Addresses of one template's portal."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "activation_portal"
urlpatterns: list[URLPattern | URLResolver] = []
