"""The sync goes through the gate like everybody, and breaks off without losing or inventing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning import sweep, timing
from provisioning.backend import gate, limited_client
from provisioning.backend.client import client_for
from provisioning.backend.limited_client import LimitedClient
from provisioning.jobs import outbox, user_services
from provisioning.models import StatusEvent, Subscriber
from provisioning.sync import passes
from tests.provisioning.rig import TOKEN, Rig, subscriber
from webex.client import WebexClient

FREJA = "4533121212@nordictel.example"


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WebexClient.list_subscribers.__kwdefaults__, "page_size", 5)


def crowd(count: int) -> list[dict]:
    return [subscriber(f"{n:03d}@nordictel.example", age_seconds=900 - n) for n in range(count)]


def wait_for_the_gate() -> None:
    until = BackendConnection.objects.get().not_before
    time.sleep(max((until - timezone.now()).total_seconds(), 0) + 0.05)


def test_every_request_asks_the_gate_first(rig: Rig, monkeypatch):
    rig.load(*crowd(12))
    real, turns = gate.wait_turn, []
    monkeypatch.setattr(gate, "wait_turn", lambda key, until: turns.append(key) or real(key))
    rig.sync()
    rig.simulator.call(
        "DELETE", f"/broadworks/subscribers/{Subscriber.objects.first().webex_id}", TOKEN
    )

    assert passes.full_pass(rig.connection.pk)

    sent = rig.simulator.requests(operation="list") + rig.simulator.requests(operation="get")
    assert len(turns) == len(sent) == 7


def test_a_429_amid_the_pages_closes_the_gate_and_what_came_before_is_in(rig: Rig):
    rig.load(*crowd(12))
    rig.simulator.fault(
        operation="list", status=429, headers={"Retry-After": "60"}, script="..x", times=1
    )

    assert passes.sync_connection(rig.connection.pk) is False

    after = BackendConnection.objects.get()
    assert Subscriber.objects.live().count() == 10
    assert after.not_before > timezone.now() + timedelta(seconds=50)
    assert (after.watermarks, after.synced_at) == ({}, None)
    requests = len(rig.simulator.requests(operation="list"))
    assert passes.sync_connection(rig.connection.pk) is False
    assert len(rig.simulator.requests(operation="list")) == requests


def test_a_gate_that_closes_amid_the_pages_stops_the_sync(rig: Rig, monkeypatch):
    rig.load(*crowd(12))
    real, turns = gate.wait_turn, []

    def and_then_it_closes(key: int, until: float) -> bool:
        real(key)
        turns.append(key)
        if len(turns) == 2:
            BackendConnection.objects.update(not_before=timezone.now() + timedelta(minutes=1))
        return True

    monkeypatch.setattr(gate, "wait_turn", and_then_it_closes)

    assert passes.sync_connection(rig.connection.pk) is False

    assert len(rig.simulator.requests(operation="list")) == 2
    assert Subscriber.objects.live().count() == 10
    assert BackendConnection.objects.get().synced_at is None


def test_the_age_of_a_sync_counts_from_its_beginning(rig: Rig):
    rig.load(subscriber(FREJA))
    before = timezone.now()

    rig.sync()

    asked_at = min(row["at"] for row in rig.simulator.requests(operation="list"))
    synced_at = BackendConnection.objects.get().synced_at
    assert before <= synced_at
    assert synced_at.isoformat()[:23] <= asked_at[:23].replace("Z", "+00:00")


def test_an_answer_to_the_sync_ends_the_trouble_for_all(rig: Rig):
    rig.load(subscriber(FREJA))
    BackendConnection.objects.update(trips=2, health="degraded", gate_reason="unclear")

    rig.sync()

    connection = BackendConnection.objects.get()
    assert (connection.trips, connection.not_before, connection.health) == (0, None, "ok")


def test_a_token_that_the_sync_finds_refused_holds_the_connection(rig: Rig):
    rig.load(subscriber(FREJA))
    rig.simulator.fault(operation="list", status=401, times=1)

    assert passes.sync_connection(rig.connection.pk) is False

    connection = BackendConnection.objects.get()
    assert connection.health == "held"
    assert connection.not_before > timezone.now()


# ---- Who is gone ----


def gone(rig: Rig, users: list[str]) -> None:
    for user in users:
        path = f"/broadworks/subscribers/{rig.row(user).webex_id}"
        rig.simulator.call("DELETE", path, TOKEN)


def test_a_customer_who_left_is_found_even_when_the_asking_breaks_off(rig: Rig):
    rig.load(*crowd(12))
    rig.sync()
    left = [f"{n:03d}@nordictel.example" for n in range(2, 10)]
    gone(rig, left)
    asked = len(rig.simulator.requests(operation="get"))
    rig.simulator.fault(
        operation="get", status=429, headers={"Retry-After": "1"}, script="...x", times=1
    )

    assert passes.full_pass(rig.connection.pk) is False
    assert Subscriber.objects.live().count() == 9
    wait_for_the_gate()
    assert passes.full_pass(rig.connection.pk)

    assert Subscriber.objects.live().count() == 4
    assert len(rig.simulator.requests(operation="get")) - asked == len(left) + 1
    events = StatusEvent.objects.filter(what="deleted")
    assert sorted(e.subscriber.broadworks_id for e in events) == left


def test_a_full_pass_without_news_writes_no_row_and_asks_for_nobody(rig: Rig):
    rig.load(*crowd(12))
    rig.sync()
    before = set(Subscriber.objects.values_list("pk", "seen_at", "version"))

    assert passes.full_pass(rig.connection.pk)

    assert set(Subscriber.objects.values_list("pk", "seen_at", "version")) == before
    assert rig.simulator.requests(operation="get") == []


def test_who_arrives_while_a_full_pass_reads_is_not_asked_for(rig: Rig, monkeypatch):
    arriving = {
        "user_id": FREJA, "password": "x", "first_name": "Freja", "last_name": "Nørgaard",
        "enterprise": "Nordictel+firma", "provisioning_id": "prov-smb",
    }  # fmt: skip
    rig.load(*crowd(6), broadworks_users=[arriving])
    rig.sync()
    real, calls = passes.find_deleted, []

    def and_somebody_arrives(asker, ids):
        calls.append(ids)
        real(asker, ids)

    monkeypatch.setattr(passes, "find_deleted", and_somebody_arrives)
    read = passes.Listing.read

    def then_another_sync(self, *args):
        read(self, *args)
        if self.seen is not None:
            rig.simulator.assign(FREJA)
            assert passes.sync_connection(rig.connection.pk)

    monkeypatch.setattr(passes.Listing, "read", then_another_sync)

    assert passes.full_pass(rig.connection.pk)

    assert calls == [[]]
    assert rig.row(FREJA)


def test_a_full_pass_leaves_a_place_for_the_sync_to_go_on_from(rig: Rig):
    rig.load(*crowd(12))
    assert passes.full_pass(rig.connection.pk)
    assert list(BackendConnection.objects.get().watermarks) == ["prov-smb"]
    rig.simulator.control("DELETE", "faults")

    rig.sync()

    last = rig.simulator.requests(operation="list")[-1]
    assert "lastStatusChange" in str(last)


def test_a_sync_that_takes_too_long_breaks_off_by_itself(rig: Rig, monkeypatch):
    rig.load(*crowd(12))
    monkeypatch.setattr(passes, "SECONDS_OF_SYNC", -1.0)

    assert passes.sync_connection(rig.connection.pk) is False

    connection = BackendConnection.objects.get()
    assert connection.health == "degraded"
    assert (connection.synced_at, connection.watermarks) == (None, {})


@dataclass
class Clock:
    """Stands still but for those who sleep, and remembers for how long they did."""

    began: float = field(default_factory=time.monotonic)
    pauses: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.began + sum(self.pauses)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def test_a_sync_leaves_half_of_the_rate_to_jobs_that_are_due(rig: Rig, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(limited_client, "time", clock)
    row = rig.given(FREJA)
    clock.pauses.clear()
    asker = LimitedClient(rig.connection, client_for(rig.connection), seconds=60)
    BackendConnection.objects.update(requests_per_minute=600)
    rig.connection.refresh_from_db()
    for _ in range(5):
        asker.subscriber(str(row.webex_id))
    assert clock.pauses == []

    user_services.retry_activation(
        row, email="freja@good.example", actor=rig.actor, now=timezone.now()
    )
    for _ in range(5):
        asker.subscriber(str(row.webex_id))

    assert clock.pauses == pytest.approx([0.2] * 5)  # of a request in a tenth of a second


def test_after_a_full_pass_a_connection_rests_four_times_as_long(rig: Rig, monkeypatch):
    rig.load(*crowd(3))
    began = timing.now() - timedelta(minutes=10)  # one that was broken off and goes on
    BackendConnection.objects.update(full_pass_started_at=began)
    published = []
    monkeypatch.setattr(outbox, "publish_all", lambda task, calls: published.append(list(calls)))

    assert passes.full_pass(rig.connection.pk)

    rests = BackendConnection.objects.get().full_pass_not_before - timing.now()
    assert timedelta(minutes=39) < rests < timedelta(minutes=41)
    sweep.publish_full_passes()
    BackendConnection.objects.update(full_pass_not_before=timing.now())
    sweep.publish_full_passes()
    assert published == [[], [{"connection_id": rig.connection.pk}]]
