"""Celery's way in: hints and ticks, each one call. Arguments are ids and nothing else."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.conf import settings

from provisioning import sweep
from provisioning.activation import mail_sending
from provisioning.engine import worker_turn
from provisioning.exports import services as export_services
from provisioning.sync import passes

#: Seconds between two looks for what was deleted, and between two clean-ups.
FULL_PASS_SECONDS, TIDY_SECONDS = 15 * 60.0, 600.0


@shared_task(name="provisioning.serve")
def serve(*, connection_id: int, **_: Any) -> None:
    """A connection has something to do; whoever comes first does it."""
    worker_turn.serve(connection_id)


@shared_task(name="provisioning.send_mail", time_limit=60)
def send_mail(*, mail_id: int, **_: Any) -> None:
    """A mail is due; on a queue of its own, so that a slow mail server delays no activation."""
    mail_sending.send(mail_id)


@shared_task(name="provisioning.sweep")
def run_sweep(**_: Any) -> None:
    """Every two seconds: the guarantee behind the hints."""
    sweep.run_in_turn()


@shared_task(name="provisioning.sync_all")
def sync_all(**_: Any) -> None:
    """Every half minute: bring in what changed."""
    if sweep.is_due("sync", settings.SYNC_SECONDS / 2):
        sweep.publish_syncs()


@shared_task(name="provisioning.full_pass_all")
def full_pass_all(**_: Any) -> None:
    """Now and then: look for what was deleted on the other side."""
    if sweep.is_due("full pass", FULL_PASS_SECONDS / 2):
        sweep.publish_full_passes()


@shared_task(name="provisioning.sync", time_limit=300)
def run_sync(*, connection_id: int, **_: Any) -> None:
    """Bring in the changes of one connection."""
    passes.sync_connection(connection_id)


@shared_task(name="provisioning.full_pass", time_limit=3600)
def run_full_pass(*, connection_id: int, **_: Any) -> None:
    """Read everything of one connection."""
    passes.full_pass(connection_id)


@shared_task(name="provisioning.export", time_limit=900)
def write_export(*, export_id: int, **_: Any) -> None:
    """Write the file of one export, on a queue of its own so that it delays no activation."""
    export_services.write(export_id)


@shared_task(name="provisioning.tidy")
def tidy(**_: Any) -> None:
    """Forget what has served its time."""
    if sweep.is_due("tidy", TIDY_SECONDS / 2):
        sweep.tidy()
