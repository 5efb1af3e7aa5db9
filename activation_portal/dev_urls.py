"""Addresses that exist only in the embedded default."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from activation_portal import dev_views

app_name = "dev"
urlpatterns: list[URLPattern | URLResolver] = [
    path("mailbox/", dev_views.mailbox, name="mailbox"),
]
