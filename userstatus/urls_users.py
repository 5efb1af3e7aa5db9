"""Addresses of User status, one user and row actions."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
