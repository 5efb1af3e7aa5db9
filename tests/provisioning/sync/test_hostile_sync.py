"""Sync against pages that lie: no older state over a newer one, no token to a stranger, and with
the next honest pass our rows are the backend's again.
"""

from __future__ import annotations

import functools
import socket
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import BackendConnection
from common.http import Timeout
from provisioning.backend import client as backend_client
from provisioning.jobs import user_services
from provisioning.models import Subscriber
from provisioning.sync import passes
from provisioning.sync.listing import Listing
from tests.provisioning.rig import TOKEN, Rig, subscriber
from webex.client import WebexClient

USERS, PAGE = 12, 5
CHANGED = [f"{number:03d}@nordictel.example" for number in (0, 6, 11)]
REMOVED = "005@nordictel.example"
LINKS = (
    "self", "loop", "foreign_host", "disguised_host", "other_scheme", "other_port", "malformed",
    "rubbish", "missing", "without_filters",
)  # fmt: skip
SHAPES = (
    "list", "text", "null", "no_items", "items_object", "items_of_text", "no_id", "no_status",
    "no_time", "numbers", "nulls", "errors_object",
)  # fmt: skip
LIES: dict[str, dict[str, Any]] = {
    "doubled": {"kind": "doubled"},
    "reordered": {"kind": "reordered"},
    "repeat": {"kind": "moved_page", "form": "repeat"},
    "skip": {"kind": "moved_page", "form": "skip"},
    "stale": {"kind": "stale", "operation": "list,get"},
    "same time": {"kind": "same_time", "operation": "list"},
    "clock ahead": {"kind": "clock", "seconds": 3600},
    "clock behind": {"kind": "clock", "seconds": -3600},
    "truncated": {"kind": "truncated"},
    "html": {"kind": "html"},
    "huge": {"kind": "huge", "megabytes": 3},
    "drip": {"kind": "drip", "bytes_per_second": 500},
    "unknown status": {"kind": "unknown_status", "operation": "list"},
    "examples": {"kind": "contradiction", "form": "examples"},
    "letter": {"kind": "contradiction", "form": "letter"},
    **{f"link {form}": {"kind": "next_link", "form": form} for form in LINKS},
    **{f"schema {form}": {"kind": "wrong_schema", "form": form} for form in SHAPES},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls end sooner, and pages are short."""
    hurried = functools.partial(backend_client.client_for, timeout=Timeout(1.0, 1.0))
    monkeypatch.setattr(passes, "client_for", hurried)
    monkeypatch.setitem(WebexClient.list_subscribers.__kwdefaults__, "page_size", PAGE)


def crowd() -> list[dict[str, Any]]:
    """Three pages of users, the later ones long unchanged."""
    users = [f"{number:03d}@nordictel.example" for number in range(USERS)]
    ages = [7200 - 600 * number for number in range(USERS)]
    return [
        subscriber(user, "error", errors=[200042], age_seconds=age)
        for user, age in zip(users, ages, strict=True)
    ]


def held(rig: Rig) -> dict[str, tuple[str, str]]:
    """Status and package of everybody, as the backend tells when nothing goes wrong."""
    found, path = {}, "/broadworks/subscribers?max=100"
    while path:
        answer = rig.simulator.call("GET", path, TOKEN)
        for item in answer.json()["items"]:
            found[item["userId"]] = (item["status"], item["package"])
        path = answer.links.get("next", {}).get("url", "").partition("/v1")[2]
    return found


def shown() -> dict[str, tuple[str, str]]:
    rows = Subscriber.objects.live()
    return {row.broadworks_id: (row.backend_status, row.package) for row in rows}


def change_some(rig: Rig) -> None:
    """What happens at the backend between two passes."""
    for user in CHANGED:
        rig.simulator.force(rig.row(user).webex_id, status="provisioned", errors=[])
    webex_id = rig.row(REMOVED).webex_id
    rig.simulator.call("DELETE", f"/broadworks/subscribers/{webex_id}", TOKEN)


@pytest.mark.parametrize("lie", LIES)
def test_the_next_honest_pass_mends_what_a_lying_one_brought_in(rig: Rig, lie):
    rig.load(*crowd())
    rig.sync()
    change_some(rig)
    once_true = held(rig)
    rig.simulator.fault(**{"seed": "lies"} | LIES[lie])

    passes.sync_connection(rig.connection.pk)
    passes.full_pass(rig.connection.pk)

    assert len(Subscriber.objects.live()) >= USERS - 1
    rig.simulator.control("DELETE", "faults")
    rig.sync()
    assert passes.full_pass(rig.connection.pk)
    assert shown() == held(rig) == once_true


@pytest.mark.parametrize("lie", ["stale", "same time", "clock behind", "skip", "reordered"])
def test_nobody_is_shown_an_older_state_after_a_newer_one(rig: Rig, lie):
    rig.load(*crowd())
    rig.sync()
    change_some(rig)
    rig.sync()
    rig.simulator.fault(**{"seed": "lies"} | LIES[lie])

    passes.sync_connection(rig.connection.pk)
    passes.full_pass(rig.connection.pk)

    assert {rig.row(user).status for user in CHANGED} == {"provisioned"}


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_change_made_while_the_clock_was_wrong_is_followed_when_it_is_right(rig: Rig, seconds):
    row = rig.given("1@nordictel.example", changed_seconds_ago=60)
    rig.simulator.fault(kind="clock", seconds=seconds)
    rig.simulator.force(row.webex_id, status="provisioning", errors=[])
    rig.sync()
    rig.simulator.control("DELETE", "faults")

    rig.simulator.force(row.webex_id, status="provisioned", errors=[])
    rig.sync()

    assert rig.row("1@nordictel.example").backend_status == "provisioned"


@pytest.mark.parametrize("form", ["foreign_host", "disguised_host", "other_scheme", "other_port"])
def test_the_token_never_leaves_for_another_origin(rig: Rig, form):
    rig.load(*crowd())
    with socket.create_server(("127.0.0.1", 0)) as thief:
        thief.settimeout(0.2)
        host = f"127.0.0.1:{thief.getsockname()[1]}"
        rig.simulator.fault(kind="next_link", form=form, host=host)

        assert passes.sync_connection(rig.connection.pk) is False

        with pytest.raises(TimeoutError):
            thief.accept()
    assert len(rig.simulator.requests(operation="list")) == 1


@pytest.mark.parametrize(
    "lie",
    [
        *("truncated", "html", "link self", "link loop", "link foreign_host", "link rubbish"),
        *("schema no_items", "schema no_id", "schema items_of_text", "schema nulls"),
    ],
)
def test_no_place_is_given_up_for_a_page_that_could_not_be_read(rig: Rig, lie):
    rig.load(*crowd())
    rig.simulator.fault(**{"seed": "lies", "script": ".x", "times": 1} | LIES[lie])
    passes.sync_connection(rig.connection.pk)

    rig.sync()

    assert shown() == held(rig)


def test_a_page_that_changes_meanwhile_shows_everybody_in_the_end(rig: Rig, monkeypatch):
    rig.load(*crowd())
    rig.sync()
    real, pages = Listing._take, []

    def and_then_they_change(*args):
        real(*args)
        pages.append(1)
        if len(pages) == 1:
            change_some(rig)

    monkeypatch.setattr(Listing, "_take", and_then_they_change)
    assert passes.full_pass(rig.connection.pk)
    monkeypatch.undo()
    assert passes.full_pass(rig.connection.pk)

    assert shown() == held(rig)


def test_a_form_that_contradicts_another_is_read_all_the_same(rig: Rig):
    rig.load(*crowd()[:3])
    for form in ("schema", "examples", "letter"):
        rig.simulator.fault(kind="contradiction", form=form, times=1)
        rig.sync()
        assert {row.error_code for row in Subscriber.objects.live()} == {"200042"}, form


@pytest.mark.parametrize(
    ("words", "shown_as"),
    [
        ({"kind": "unknown_status", "status": "hibernating"}, ("hibernating", "200042")),
        ({"kind": "unknown_error", "code": 299998}, ("error", "299998")),
    ],
)
def test_unknown_words_are_shown_as_they_came(rig: Rig, words, shown_as):
    rig.load(*crowd()[:2])
    rig.simulator.fault(**words)

    rig.sync()

    told = {(row.status, row.error_code) for row in Subscriber.objects.live()}
    assert told == {shown_as}


@pytest.mark.parametrize("kind", ["token_refused", "scope_lost"])
def test_a_token_that_lost_its_rights_fails_no_waiting_job_and_burns_nothing(rig: Rig, kind):
    row = rig.given("1@nordictel.example", "provisioned")
    now = timezone.now()
    job = user_services.change_package(row, package="premium", actor=rig.actor, now=now)
    rig.step()
    rig.simulator.fault(kind=kind, operation="get,list")
    for _ in range(20):
        BackendConnection.objects.update(not_before=None)
        rig.simulator.advance(1)
        rig.step()
    job.refresh_from_db()
    assert job.state == "waiting"

    rig.simulator.control("DELETE", "faults")
    BackendConnection.objects.update(not_before=None)

    assert (rig.drive(job).state, job.sends) == ("done", 1)


def test_an_expired_token_holds_jobs_until_there_is_another(rig: Rig):
    row = rig.given("1@nordictel.example", "provisioned")
    account = {"token": TOKEN, "name": "Nordictel", "expires_in_seconds": 0}
    rig.load(accounts=[account])
    now = timezone.now()
    job = user_services.change_package(row, package="premium", actor=rig.actor, now=now)
    for _ in range(10):
        rig.step()

    job.refresh_from_db()
    rig.connection.refresh_from_db()
    assert (job.state, job.sends, rig.connection.health) == ("queued", 0, "held")
    assert len(rig.simulator.requests(operation="update", status="401")) == 1
    rig.load()
    BackendConnection.objects.update(not_before=None)
    assert rig.drive(job).state == "done"
