"""`manage.py scenario`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from templates_app.models import OnboardingTemplate
from tests.rehearsal.fake import SCENARIO


def run(*words: str) -> str:
    out = StringIO()
    call_command("scenario", *words, stdout=out)
    return out.getvalue()


def test_without_a_name_it_lists_them(fake, db):
    said = run()

    assert SCENARIO["name"] in said
    assert SCENARIO["watch"][0] in said
    assert fake.made("POST", "") == []


def test_with_a_name_it_starts_one_and_says_where_to_look(fake, simulated, hints):
    said = run("first-day", "--seed", "s", "--pace", "0.1")

    template = OnboardingTemplate.objects.get()
    for words in (template.activation_link, "45@x.example", f"/templates/{template.uuid}/users/"):
        assert words in said
    body = fake.made("POST", "scenarios/first-day")[0]
    assert body is not None
    assert (body["seed"], body["pace"]) == ("s", 0.1)
    assert AuditEvent.objects.get(action="rehearsal.start").actor_label == "manage.py scenario"


def test_partner_and_template_can_be_named(fake, simulated, template):
    said = run("first-day", "--partner", "nordictel", "--template", "smb denmark")

    template.refresh_from_db()
    assert "SMB Denmark (as last time)" in said
    assert template.provision_admin_first
    assert OnboardingTemplate.objects.count() == 1


def test_a_backend_that_is_not_the_simulator_is_refused(fake, carla, settings):
    connection = carla.partner.connection
    connection.api_base_url = "https://webexapis.com/v1"
    connection.save()

    with pytest.raises(CommandError, match="not connected to the simulator"):
        run("first-day", "--partner", "Iberfone")
    assert fake.made("POST", "") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none-such"], "There are: first-day"),
        (["first-day", "--partner", "Nobody"], "no partner"),
        (["first-day", "--pace", "0"], "--pace"),
    ],
)
def test_what_cannot_be_is_said(fake, simulated, words, said):
    with pytest.raises(CommandError, match=said):
        run(*words)


def test_without_a_partner_of_the_simulator_it_says_so(fake, db):
    with pytest.raises(CommandError, match="No partner is connected"):
        run("first-day")


def test_without_a_simulator_it_says_how_to_name_one(settings, db):
    settings.SIMULATOR_CONTROL_TOKEN = ""

    with pytest.raises(CommandError, match=r"\.run/env"):
        run()


def test_a_simulator_that_is_away_is_said(simulated):
    with pytest.raises(CommandError, match="does not answer"):
        run("first-day")
