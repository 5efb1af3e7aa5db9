"""Addresses of overview, settings, people, account, templates and jobs."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
