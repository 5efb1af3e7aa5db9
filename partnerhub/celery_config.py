"""Celery's settings, by its own names: broker, limits, queues, and beat's schedule."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from partnerhub.ticking import Every

broker_url = settings.REDIS_URL
broker_transport_options = {
    "health_check_interval": 10,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
broker_connection_max_retries = None
broker_connection_retry_on_startup = True
task_ignore_result = True
# No results, so no clean-up of them: Celery's would go by the wall clock, and hold up the others.
result_expires = None
task_acks_late = False
task_serializer = "json"
accept_content = ["json"]
task_publish_retry = False
task_time_limit = 30
worker_disable_prefetch = True
worker_prefetch_multiplier = 1
worker_enable_remote_control = False
worker_max_tasks_per_child = 1000
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = True
worker_max_memory_per_child = 250_000
#: Celery's Django fixup closes the connection around every task unless this is set; that a broken
#: one is replaced is seen to in partnerhub.celery.
CELERY_DB_REUSE_MAX = 1000
task_default_queue = "provision"
#: By name, so that it also holds where the task's module is not loaded (web). The sweep must not
#: stand in line behind the hints that it is the guarantee of; queues are served in turn.
task_routes = {
    "provisioning.sweep": {"queue": "sweep"},
    "provisioning.sync": {"queue": "sync"},
    "provisioning.full_pass": {"queue": "sync"},
    "provisioning.sync_all": {"queue": "sync"},
    "provisioning.full_pass_all": {"queue": "sync"},
    "provisioning.tidy": {"queue": "sync"},
    "provisioning.export": {"queue": "export"},
    "provisioning.send_mail": {"queue": "mail"},
}

# Every tick is idempotent, so two beats are harmless and a missed tick costs only time. None has an
# expiry: that goes by the worker's clock. Who comes too soon after another does nothing.
beat_schedule: dict[str, dict[str, Any]] = {
    "sweep": {
        "task": "provisioning.sweep",
        "schedule": Every(2.0),
    },
    "sync": {
        "task": "provisioning.sync_all",
        "schedule": Every(float(settings.SYNC_SECONDS)),
        "options": {"queue": "sync"},
    },
    "full-pass": {
        "task": "provisioning.full_pass_all",
        "schedule": Every(15 * 60.0),
        "options": {"queue": "sync"},
    },
    "tidy": {
        "task": "provisioning.tidy",
        "schedule": Every(600.0),
        "options": {"queue": "sync"},
    },
}

if settings.SIMULATOR_URL and settings.SIMULATOR_CONTROL_TOKEN:
    # On the queue of the hints, the default: a long sync must not make the banner late.
    beat_schedule["rehearsal"] = {
        "task": "rehearsal.look",
        "schedule": Every(10.0),
    }
