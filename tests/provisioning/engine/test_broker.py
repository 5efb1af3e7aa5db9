"""A real Redis that hangs or dies never holds up whoever accepts an action."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone

from partnerhub.health import _redis_answers
from partnerhub.local.servers import Redis
from provisioning.jobs import outbox, user_services

FREJA = "4533121212@nordictel.example"


@pytest.fixture
def redis(server_folder: Path, settings):
    server = Redis(server_folder)
    server.start(server_folder / "redis.log")
    conf = current_app.conf
    before = conf.broker_url, conf.broker_write_url
    conf.broker_url = conf.broker_write_url = settings.REDIS_URL = server.url
    yield server
    conf.broker_url, conf.broker_write_url = before
    with suppress(ProcessLookupError):
        os.kill(server.process.pid, signal.SIGCONT)
    server.stop(at_once=True)


@pytest.fixture
def _hints_that_arrive() -> None:
    """None of the patience that other tests have: hints are given up as in the product."""


#: Seconds. Redis's own limits are 5 s a command; ours are a fifth of a second for all hints.
OURS = 4.5


def took(act) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def hint_takes() -> float:
    return took(lambda: outbox.publish("provisioning.serve", connection_id=1))


def test_a_publish_reaches_a_healthy_redis(redis, monkeypatch):
    for limit in ("socket_timeout", "socket_connect_timeout"):  # healthy, on a busy machine
        monkeypatch.setitem(outbox.PUBLISH_LIMITS, limit, 60)
    hint_takes()

    with current_app.connection_for_read() as broker:
        assert broker.SimpleQueue("provision").qsize() == 1


def test_a_hanging_redis_holds_up_nobody(redis):
    hint_takes()
    os.kill(redis.process.pid, signal.SIGSTOP)

    assert min(hint_takes() for _ in range(3)) < OURS
    assert min(took(_redis_answers) for _ in range(2)) < OURS
    assert _redis_answers() is False


def test_a_dead_redis_holds_up_nobody(redis):
    hint_takes()
    redis.process.kill()
    redis.process.wait()

    assert min(hint_takes() for _ in range(3)) < OURS
    assert _redis_answers() is False


def test_many_hints_to_a_hanging_redis_cost_as_much_as_one(redis):
    os.kill(redis.process.pid, signal.SIGSTOP)
    calls = [{"connection_id": n} for n in range(2000)]  # 200 s, were each of them waited for

    assert took(lambda: outbox.publish_all("provisioning.serve", calls)) < 100


def test_an_action_is_accepted_at_once_while_redis_hangs(rig, redis):
    row = rig.given(FREJA)
    os.kill(redis.process.pid, signal.SIGSTOP)

    seconds = took(lambda: user_services.delete_user(row, actor=rig.actor, now=timezone.now()))

    assert seconds < OURS
