"""Each login of a scenario comes to what the scenario says, through the portal's own pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.audit import Actor
from partnerhub.rehearsal import services as rehearsal_services
from partnerhub.rehearsal import simulator_client
from partnerhub.rehearsal.services import Wish
from provisioning.models import Job, Subscriber
from provisioning.states import Status
from provisioning.sync import passes
from tests.activation_portal.conftest import Portal, new_browser, text_of
from tests.provisioning.rig import TOKEN, Rig, make_rig, shrink_waits
from tests.simulator_process import SimulatorProcess

#: Seconds in which everybody of any story has arrived.
ALL_ARRIVED = 3600


@pytest.fixture
def rig(simulator_process: SimulatorProcess, transactional_db, settings, monkeypatch) -> Rig:
    shrink_waits(settings, monkeypatch)
    settings.EMAIL_BACKEND = "provisioning.activation.dev_mailbox.MailboxBackend"
    settings.SIMULATOR_URL = simulator_process.url
    settings.SIMULATOR_CONTROL_TOKEN = simulator_process.control_token
    made = make_rig(simulator_process)
    made.load(accounts=[{"token": TOKEN, "name": "Nordictel"}])
    return made


def started(rig: Rig, name: str) -> list[dict[str, Any]]:
    """Play a scenario until everybody has arrived; returns its logins."""
    begun = rehearsal_services.start_scenario(
        wish=Wish(name), partner=rig.partner, actor=Actor(label="test"), now=timezone.now()
    )
    rig.template = begun.template
    rig.simulator.advance(ALL_ARRIVED)
    rig.sync()
    logins: list[dict[str, Any]] = rehearsal_services.summary(begun)["logins"]
    return logins


def refusal(rig: Rig, login: dict[str, Any]) -> str:
    """Go as far as the confirmation mail; returns the page that this ends on."""
    portal = Portal(rig, new_browser())
    page = portal.sign_in(login["user_id"], login["password"])
    if page.redirect_chain and page.redirect_chain[-1][0].endswith("/address/"):
        page = portal.give_address(login["email"])
    return text_of(page)


def activate(rig: Rig, login: dict[str, Any]) -> str:
    """Go all the way; returns the last page's words."""
    portal = Portal(rig, new_browser())
    portal.sign_in(login["user_id"], login["password"])
    said = text_of(portal.give_address(login["email"]))
    assert "Check your inbox" in said, (login, said)
    portal.send_mails()
    portal.post(f"confirm/{portal.mailed_token()}/")
    job = rig.drive(Job.objects.latest("pk"))
    assert job.state == "done", (login, job.result_text)
    return text_of(portal.get())


@pytest.mark.parametrize("name", [
    "admin-first", "bad-night", "end-of-a-customer", "first-day", "mail-settings-wrong",
    "moving-consumers", "package-changes", "twins-and-strangers",
])  # fmt: skip
def test_the_logins_come_to_what_is_expected(rig: Rig, name: str):
    logins = started(rig, name)

    for login in [login for login in logins if login["expect"] != "ok"]:
        said = refusal(rig, login)
        assert f"Code {login['expect']} " in said, (login, said)
    for login in [login for login in logins if login["expect"] == "ok"]:
        said = activate(rig, login)
        row = Subscriber.objects.live().get(
            broadworks_id=login["user_id"], template=rig.template, email=login["email"]
        )
        assert row.status in (Status.PROVISIONED, Status.WAITING_CONSENT), (login, said)
        assert "You are ready" in said or "private" in said, (login, said)


def test_every_scenario_is_played_here(simulator_process: SimulatorProcess, rig: Rig):
    test = test_the_logins_come_to_what_is_expected
    (names,) = (mark.args[1] for mark in test.pytestmark if mark.name == "parametrize")

    assert set(names) == {scenario.name for scenario in simulator_client.scenarios()}


def rows(rig: Rig) -> list[Subscriber]:
    return list(Subscriber.objects.live().filter(template=rig.template))


def test_a_full_pass_finds_the_customer_gone_and_the_other_there(rig: Rig):
    begun = rehearsal_services.start_scenario(
        wish=Wish("end-of-a-customer"),
        partner=rig.partner,
        actor=Actor(label="test"),
        now=timezone.now(),
    )
    rig.template = begun.template
    rig.sync()
    assert len(rows(rig)) == 24

    rig.simulator.advance(ALL_ARRIVED)
    assert passes.full_pass(rig.connection.pk)

    assert {row.enterprise_id.split("-")[0] for row in rows(rig)} == {"Solvang"}
    assert len(rows(rig)) == 6


def test_what_no_document_knows_is_stored_as_it_came(rig: Rig):
    started(rig, "twins-and-strangers")

    assert "pending_license_review" in {row.status for row in rows(rig)}
    assert "999901" in {row.error_code for row in rows(rig)}
