"""What the Celery application promises of queues and connections."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.signals import task_prerun
from django.db import Error, connection

from accounts.models import Partner
from partnerhub.celery import app


@pytest.mark.django_db(transaction=True)
def test_a_task_starts_with_a_connection_that_works():
    with connection.cursor() as cursor, pytest.raises(Error):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Error):
        Partner.objects.count()

    task = SimpleNamespace(request=SimpleNamespace(is_eager=False))
    task_prerun.send(sender=None, task=task)

    assert Partner.objects.count() == 0


@pytest.mark.parametrize("task", ["sweep", "sync", "full_pass"])
def test_the_sweep_and_long_reads_stand_in_no_line_with_hints(task):
    queue = app.amqp.router.route({}, f"provisioning.{task}")["queue"].name

    assert queue == "sync"


def test_beat_sends_the_sweep_to_the_same_queue():
    options = app.conf.beat_schedule["sweep"]["options"]
    queue = app.amqp.router.route(dict(options), "provisioning.sweep")["queue"]

    assert getattr(queue, "name", queue) == "sync"


def test_tasks_end_before_their_lease():
    from provisioning import timing

    assert app.conf.task_time_limit < timing.LEASE_SECONDS
    assert not app.conf.task_acks_late
