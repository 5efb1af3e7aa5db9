"""Counting is exact, also when many ask at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from common import throttle


def together(times, act):
    def attempt(_):
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(attempt, range(times)))


@pytest.mark.django_db(transaction=True)
def test_parallel_uses_never_pass_the_limit_together():
    limit = throttle.Limit(5, 60)

    passed = together(40, lambda: throttle.take("t", "key", limit=limit))

    assert sum(passed) == 5


@pytest.mark.django_db(transaction=True)
def test_a_new_window_opens_once_for_all():
    limit, past = throttle.Limit(5, 60), timezone.now() - timedelta(seconds=100)
    assert [throttle.take("t", "key", limit=limit, now=past) for _ in range(6)].count(True) == 5

    passed = together(40, lambda: throttle.take("t", "key", limit=limit))

    assert sum(passed) == 5


@pytest.mark.django_db
def test_a_limit_of_nothing_lets_nothing_through():
    assert throttle.take("t", "key", limit=throttle.Limit(0, 60)) is False


def sign_in(address, password):
    form = {"login": "anna@nordictel.example", "password": password}
    return Client(REMOTE_ADDR=address).post("/login/", form)


@pytest.mark.django_db
def test_wrong_tries_from_one_address_do_not_lock_another_out(anna):
    anna.set_password("the-right-password")
    anna.save()
    for _ in range(9):
        sign_in("203.0.113.9", "wrong")

    assert sign_in("203.0.113.9", "the-right-password").status_code == 200
    assert sign_in("198.51.100.7", "the-right-password").status_code == 302
