"""What the Celery application promises of queues and connections."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.signals import task_prerun
from django.db import Error, connection

from accounts.models import Partner
from partnerhub.celery import app
from partnerhub.local.processes import QUEUES
from provisioning import tasks
from provisioning.jobs.outbox import TROUBLED_QUEUE

OURS = [task.name for task in vars(tasks).values() if hasattr(task, "apply_async")]


@pytest.mark.django_db(transaction=True)
def test_a_task_starts_with_a_connection_that_works():
    with connection.cursor() as cursor, pytest.raises(Error):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Error):
        Partner.objects.count()

    task = SimpleNamespace(request=SimpleNamespace(is_eager=False))
    task_prerun.send(sender=None, task=task)

    assert Partner.objects.count() == 0


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, f"provisioning.{task}")["queue"].name)


def test_the_sweep_stands_in_no_line_with_hints():
    assert queue_of("sweep") != queue_of("serve")


@pytest.mark.parametrize("task", ["sync", "full_pass", "export", "send_mail", "tidy"])
def test_what_takes_long_is_done_by_workers_that_serve_no_actions(task):
    assert queue_of(task) in QUEUES["background"].split(",")
    assert queue_of("serve") in QUEUES["worker"].split(",")


def test_every_queue_has_a_worker():
    served = {name for names in QUEUES.values() for name in names.split(",")}

    assert {queue_of(task.removeprefix("provisioning.")) for task in OURS} <= served
    assert TROUBLED_QUEUE in served


def test_tasks_end_before_their_lease():
    from provisioning import timing

    assert app.conf.task_time_limit < timing.LEASE_SECONDS
    assert not app.conf.task_acks_late
