"""The Celery application: its tasks are hints and ticks, the truth is in PostgreSQL."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections
from kombu import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnerhub.settings")


class _Connection(Connection):
    """A connection to the broker that is tried again soon after it broke.

    By itself kombu waits 2, 4, 6 … 30 s between tries, and takes no setting for it.
    """

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        waits = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 2.0}
        return super().ensure_connection(*args, **waits | kwargs)


app = Celery("partnerhub")
app.amqp.Connection = _Connection
app.config_from_object("partnerhub.celery_config")
app.autodiscover_tasks(["provisioning", "partnerhub.rehearsal"])


@task_prerun.connect
def _renew_connections(task: Any, **_: Any) -> None:
    """What a request does: replace a connection that PostgreSQL's restart has broken."""
    if not task.request.is_eager:
        close_old_connections()
