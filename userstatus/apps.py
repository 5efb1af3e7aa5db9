"""The administrators' pages."""

from __future__ import annotations

from django.apps import AppConfig


class UserStatusConfig(AppConfig):
    name = "userstatus"
