"""What goes by the time goes by PostgreSQL's clock, not by that of the process."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from common import clock, throttle
from provisioning import sweep, timing
from provisioning.models import Heartbeat

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("wrong_by", [-HOUR, HOUR])
def test_the_time_is_right_in_a_process_whose_clock_is_put(wrong_by):
    clock.now()

    with time_machine.travel(timezone.now() + wrong_by):
        apart = clock.now() - timing.now()

    assert abs(apart) < timedelta(seconds=5)


def test_the_time_costs_no_query_and_goes_on(django_assert_num_queries):
    first = clock.now()

    with django_assert_num_queries(0):
        assert clock.now() > first


def test_a_new_connection_reads_the_clock_again():
    clock._last["default"] = clock.Reading(timezone.now() - HOUR, 0.0)
    clock.on_connection(connection)

    assert abs(clock.now() - timing.now()) < timedelta(seconds=5)


@pytest.mark.parametrize("wrong_by", [-HOUR, HOUR])
def test_a_throttle_holds_in_a_process_whose_clock_is_put(wrong_by):
    limit = throttle.Limit(1, 60)
    assert throttle.take("clock", "x", limit=limit)

    with time_machine.travel(timezone.now() + wrong_by):
        assert not throttle.take("clock", "x", limit=limit)
        assert throttle.used("clock", "x") == 1


def test_a_turn_is_taken_once_in_its_time():
    assert [sweep.is_due("tidy", 60), sweep.is_due("tidy", 60)] == [True, False]


@pytest.mark.parametrize(("ago", "due"), [(-3600, True), (3600, True), (30, False), (-2, False)])
def test_a_turn_taken_before_the_clock_was_put_back_holds_nobody_up(ago, due):
    Heartbeat.objects.create(name="tidy", at=timing.now() - timedelta(seconds=ago))

    assert sweep.is_due("tidy", 60) is due


def test_no_tick_expires_by_a_workers_clock():
    from partnerhub import celery_config

    ticks = celery_config.beat_schedule.values()

    assert [tick for tick in ticks if "expires" in tick.get("options", {})] == []
