from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning.backend.client import client_for
from provisioning.models import StatusEvent, Subscriber
from provisioning.projection import merge
from provisioning.sync import passes
from tests.provisioning.rig import subscriber

FREJA = "4533121212@nordictel.example"


def test_every_page_is_read(rig):
    rig.load(*(subscriber(f"{n}@nordictel.example") for n in range(230)))

    rig.sync()

    assert Subscriber.objects.live().count() == 230


def test_a_change_at_webex_arrives_with_the_next_sync(rig):
    row = rig.given(FREJA)

    rig.simulator.force(row.webex_id, status="provisioned", errors=[])
    rig.sync()

    assert rig.row(FREJA).status == "provisioned"


def test_an_older_answer_never_replaces_a_newer_one(rig):
    row = rig.given(FREJA)
    old = client_for(rig.connection).get_subscriber(row.webex_id)
    rig.simulator.force(row.webex_id, status="provisioned", errors=[])
    rig.sync()

    answer = merge.Answer(old, asked_at=timezone.now())
    merge.apply_answer(rig.connection, answer, now=timezone.now())

    assert rig.row(FREJA).status == "provisioned"


def test_an_unknown_status_is_kept_and_shown_verbatim(rig):
    row = rig.given(FREJA, status="paused_by_moon")

    assert (row.status, row.status_label) == ("paused_by_moon", "paused_by_moon")


def test_a_sync_without_news_writes_nothing(rig):
    row = rig.given(FREJA)
    rig.sync()

    again = rig.row(FREJA)
    assert again.version == row.version
    assert StatusEvent.objects.count() == 1


def test_a_broken_off_sync_keeps_its_place(rig):
    rig.given(FREJA)
    before = BackendConnection.objects.get().watermarks
    rig.load(subscriber("1@x.example", changed_seconds_ago=0))
    rig.simulator.fault(operation="list", status=500, times=5)

    assert passes.sync_connection(rig.connection.pk) is False

    connection = BackendConnection.objects.get()
    assert connection.watermarks == before
    assert connection.health == "degraded"


def test_the_full_pass_finds_what_was_deleted_on_the_other_side(rig):
    row = rig.given(FREJA)
    rig.given("1@x.example")
    rig.simulator.call("DELETE", f"/broadworks/subscribers/{row.webex_id}", "token-of-nordictel")
    rig.sync()
    assert rig.row(FREJA)

    assert passes.full_pass(rig.connection.pk)

    row.refresh_from_db()
    assert (row.deleted_by, row.deleted_here) == ("Webex", False)
    assert rig.row("1@x.example")


def test_a_user_of_another_partners_provisioning_id_never_enters(rig):
    rig.given(FREJA)
    rig.template.provisioning_id = "something-else"
    rig.template.save()
    rig.load(subscriber("2@x.example", changed_seconds_ago=0))

    passes.sync_connection(rig.connection.pk)

    assert not Subscriber.objects.filter(broadworks_id="2@x.example").exists()


def test_twins_are_both_kept(rig):
    rig.load(
        subscriber(FREJA),
        subscriber(FREJA, enterprise="Nordictel+other"),
        accounts=[{"token": "token-of-nordictel", "name": "Nordictel"}],
    )

    rig.sync()

    assert Subscriber.objects.live().filter(broadworks_id=FREJA).count() == 2


def test_flow_through_arrivals_appear(rig):
    rig.load(
        broadworks_users=[
            {
                "user_id": FREJA,
                "password": "x",
                "first_name": "Freja",
                "last_name": "Nørgaard",
                "enterprise": "Nordictel+firma",
                "provisioning_id": "prov-smb",
            }
        ]
    )
    rig.simulator.assign(FREJA)

    rig.sync()

    assert rig.row(FREJA).status == "pending_email_input"


def test_a_held_gate_holds_the_sync_too(rig):
    BackendConnection.objects.update(not_before=timezone.now() + timedelta(minutes=1))

    assert passes.sync_connection(rig.connection.pk) is False
    assert rig.simulator.requests(operation="list") == []


@pytest.mark.parametrize("name", ["Ægir Ø. Åse", "مريم", "😀 Emoji", "x" * 300])
def test_names_of_all_kinds_survive(rig, name):
    row = rig.given(FREJA, first_name=name[:200])

    assert row.first_name == name[:200]
