"""The User Activation Portal."""

from __future__ import annotations

from django.apps import AppConfig


class ActivationPortalConfig(AppConfig):
    name = "activation_portal"
