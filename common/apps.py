"""App configuration of the ground layer."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CommonConfig(AppConfig):
    name = "common"

    def ready(self) -> None:
        from common import clock

        connection_created.connect(clock.on_connection, dispatch_uid="common.clock")
