"""Onboarding templates and their readiness."""

from __future__ import annotations

from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    name = "templates_app"
