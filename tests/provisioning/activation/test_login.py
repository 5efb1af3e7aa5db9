from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import BackendConnection, PasswordEncoding
from common import throttle
from common.models import ThrottleCount
from provisioning.activation import login as portal_login
from provisioning.activation.admission import PortalRefused
from provisioning.activation.login import Login
from tests.activation_portal.conftest import PASSWORD, USER, broadworks_user
from tests.provisioning.rig import Rig


def outcome(rig: Rig, user_id: str, password: str) -> str:
    """Sign in on a connection of one's own, as another process would."""
    try:
        portal_login.check(Login(rig.template, user_id, "192.0.2.1"), password)
    except PortalRefused as refusal:
        return refusal.code
    finally:
        connection.close()
    return "ok"


@pytest.fixture
def users(rig: Rig, settings) -> list[str]:
    settings.PORTAL_PER_IP = settings.PORTAL_PER_LINK = "1000/900"
    ids = [f"453300000{number}@nordictel.example" for number in range(7)]
    rig.load(broadworks_users=[broadworks_user(user_id) for user_id in [USER, *ids]])
    return ids


def test_right_and_wrong_passwords_at_once_never_pass_a_third_wrong_one(rig: Rig, users):
    tries = [PASSWORD, "wrong-1", "wrong-2", PASSWORD, "wrong-3", "wrong-4", "wrong-5", "wrong-6"]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda password: outcome(rig, USER, password), tries))

    in_a_row = most = 0
    for request in rig.simulator.requests(operation="login", user_id=USER):
        in_a_row = in_a_row + 1 if request["outcome"] == "wrong" else 0
        most = max(most, in_a_row)
    assert most <= 2


def test_a_right_password_behind_a_gateways_refusals_closes_nothing(rig: Rig, users):
    rig.simulator.fault(kind="gateway", status="404", form="any", operation="login")

    through_the_gateway = {outcome(rig, USER, PASSWORD) for _ in range(3)}
    rig.simulator.control("DELETE", "faults")

    assert through_the_gateway == {"PH-LOGIN-AWAY"}
    assert outcome(rig, USER, PASSWORD) == "ok"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [(PasswordEncoding.UTF_8, "ok"), (PasswordEncoding.LATIN_1, "100006")],
)
def test_a_password_is_sent_in_the_encoding_of_the_connection(rig: Rig, encoding, expected):
    """The simulated BroadWorks reads UTF-8: the other encoding is another password to it."""
    BackendConnection.objects.update(password_encoding=encoding)
    rig.load(broadworks_users=[broadworks_user() | {"password": "blåbær"}])
    rig.template.refresh_from_db()

    assert outcome(rig, USER, "blåbær") == expected


def test_before_the_last_try_one_is_told_that_it_is_the_last(rig: Rig, users, settings):
    settings.PORTAL_WRONG_PASSWORDS = 3

    told = []
    for _ in range(4):
        with pytest.raises(PortalRefused) as refused:
            portal_login.check(Login(rig.template, USER, "192.0.2.1"), "wrong")
        told.append("One try is left" in str(refused.value.explanation.portal_text))

    assert told == [False, True, False, False]


@pytest.mark.parametrize("user_id", [USER, "nobody@nowhere.example"])
def test_a_password_that_was_never_sent_is_no_try(rig: Rig, users, user_id):
    """The encoding set is not the server's: the right password has letters that it lacks."""
    BackendConnection.objects.update(password_encoding=PasswordEncoding.LATIN_1)
    rig.template.refresh_from_db()

    told = {outcome(rig, user_id, "Łódź") for _ in range(5)}

    assert told == {"100006"}


def test_four_checks_at_once_and_the_next_is_asked_to_wait(rig: Rig, users, monkeypatch):
    monkeypatch.setattr(portal_login, "PLACE_PATIENCE", 0.2)
    for _ in range(4):
        rig.simulator.fault(operation="login", delay_ms=2500)

    with ThreadPoolExecutor(5) as pool:
        slow = [pool.submit(outcome, rig, user_id, PASSWORD) for user_id in users[:4]]
        until(lambda: locks_held() == 8)  # of four users and at four places
        fifth = pool.submit(outcome, rig, users[4], PASSWORD).result()

    assert fifth == "PH-TOO-MANY"
    assert [one.result() for one in slow] == ["ok"] * 4
    assert outcome(rig, users[4], PASSWORD) == "ok"


def locks_held() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE datname = current_database() AND locktype = 'advisory' AND granted"
        )
        return cursor.fetchone()[0]


def until(is_so, seconds: float = 100.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def test_no_lock_outlives_its_check(rig: Rig, users):
    outcome(rig, USER, PASSWORD)
    outcome(rig, USER, "wrong")

    assert locks_held() == 0


def test_a_double_click_waits_for_the_first_and_succeeds_too(rig: Rig, users):
    rig.simulator.fault(operation="login", delay_ms=500)
    barrier = threading.Barrier(2)

    def click(_: int) -> str:
        barrier.wait()
        return outcome(rig, USER, PASSWORD)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(click, range(2))) == ["ok", "ok"]


def test_any_day_holds_no_more_wrong_passwords_than_the_limit(rig: Rig, users):
    outcome(rig, USER, "wrong-1")
    early = timezone.now() - timedelta(hours=23)
    ThrottleCount.objects.update(started_at=early, expires_at=early + timedelta(days=1))
    outcome(rig, USER, "wrong-2")

    key = throttle.key_of("portal-user", Login(rig.template, USER, "").host, USER)
    assert ThrottleCount.objects.get(key=key).expires_at > timezone.now() + timedelta(hours=23)
    assert outcome(rig, USER, PASSWORD) == "PH-LOGIN-CLOSED"
