from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Partner, User
from partnerhub.demo.casting import cisco_codes
from provisioning.models import Subscriber
from provisioning.states import Status
from templates_app.models import OnboardingTemplate


@pytest.fixture
def seeded(simulator_process, transactional_db, settings, tmp_path):
    simulator_process.reset()
    settings.SIMULATOR_URL = simulator_process.url
    settings.SIMULATOR_CONTROL_TOKEN = simulator_process.control_token
    settings.DEMO_FILE = str(tmp_path / "demo.json")
    call_command("seed_demo", "--if-empty")
    return json.loads((tmp_path / "demo.json").read_text())


def test_the_demo_is_whole_and_the_second_run_leaves_it_alone(seeded):
    users = Subscriber.objects.live()
    assert 380 <= users.count() <= 450
    assert {u.status for u in users} == set(Status)
    assert set(cisco_codes()) <= {u.error_code for u in users}
    templates = OnboardingTemplate.objects.all()
    assert [t["name"] for t in seeded["templates"]] == [t.name for t in templates]
    wrong = [t for t in templates if t.share_link != t.activation_link]
    assert [t.name for t in wrong] == ["Hotels 2026"]

    call_command("seed_demo", "--if-empty")
    assert Partner.objects.count() == 2
    with pytest.raises(CommandError):
        call_command("seed_demo")


@pytest.mark.parametrize("name", ["SMB Denmark", "Pymes España"])
def test_the_first_five_error_users_are_cured_by_another_address(seeded, name):
    users = Subscriber.objects.live().filter(template__name=name, status="error")

    first = users.order_by("-last_change_at", "-id")[:5]

    assert {u.error_code for u in first} <= {"200042", "200039", "200048", "200045"}


def test_the_password_opens_every_account(seeded):
    assert all(
        User.objects.get(email=person["email"]).check_password(seeded["password"])
        for person in [*seeded["administrators"], {"email": seeded["operations"]}]
    )


def test_the_demo_follows_a_change_of_port(seeded, settings, simulator_process):
    settings.PUBLIC_URL = "http://127.0.0.1:8100"

    call_command("seed_demo", "--if-empty")

    links = {t.share_link for t in OnboardingTemplate.objects.all()}
    assert all(link.startswith("http://127.0.0.1:8100/activate/") for link in links)
