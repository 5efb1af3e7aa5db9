"""The roof as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class PartnerHubConfig(AppConfig):
    name = "partnerhub"

    def ready(self) -> None:
        # Tasks are published by name through the current Celery application: make ours current.
        import partnerhub.celery  # noqa: F401 -- imported for its effect
        import partnerhub.checks  # noqa: F401 -- registers them
