"""The Celery application: its tasks are hints and ticks, the truth is in PostgreSQL."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnerhub.settings")

app = Celery("partnerhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["provisioning"])

# Every tick is idempotent, so two beats are harmless and a missed tick costs only time.
app.conf.beat_schedule = {
    "sweep": {
        "task": "provisioning.sweep",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "sync": {
        "task": "provisioning.sync_all",
        "schedule": float(settings.SYNC_SECONDS),
        "options": {"expires": settings.SYNC_SECONDS, "queue": "sync"},
    },
    "full-pass": {
        "task": "provisioning.full_pass_all",
        "schedule": 15 * 60.0,
        "options": {"expires": 600, "queue": "sync"},
    },
    "tidy": {
        "task": "provisioning.tidy",
        "schedule": 600.0,
        "options": {"expires": 300, "queue": "sync"},
    },
}
