"""The page, the banner and the command against the simulator itself, as a process of its own."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Partner
from partnerhub.rehearsal import simulator_client, tasks
from partnerhub.rehearsal.forms import FaultForm
from partnerhub.rehearsal.titles import TITLES
from provisioning.models import Subscriber
from provisioning.sync import passes
from templates_app.models import OnboardingTemplate
from tests.rehearsal.test_page import fields
from tests.simulator_process import SimulatorProcess

PAGE = "/admin/rehearsal/"


@pytest.fixture
def simulator(simulator_process: SimulatorProcess, settings) -> SimulatorProcess:
    settings.SIMULATOR_URL = simulator_process.url
    settings.SIMULATOR_CONTROL_TOKEN = simulator_process.control_token
    simulator_process.reset()
    simulator_process.load(
        {
            "accounts": [{"token": "token-of-a-test", "name": "Nordictel", "region": "eu"}],
            "provisioning_ids": [{"id": "somewhere", "account": "Nordictel"}],
        }
    )
    return simulator_process


@pytest.fixture
def nordictel(partner: Partner, simulator: SimulatorProcess) -> Partner:
    connection = partner.connection
    connection.api_base_url = f"{simulator.url}/v1"
    connection.xsi_base_url = f"{simulator.url}/com.broadsoft.xsi-actions/v2.0"
    connection.save()
    return partner


def start(browser: Client, name: str, partner: Partner) -> str:
    page = f"{PAGE}scenario/{name}/"
    form = fields(browser.get(page).text) | {"partner": partner.pk, "pace": "0.01"}
    answer = browser.post(page, form, follow=True)
    assert "The rehearsal runs" in answer.text, re.sub(r"<[^>]+>", " ", answer.text)[-3000:]
    return answer.text


def test_a_scenario_is_played_from_start_to_end(browser, client_of, anna, nordictel, simulator):
    console = client_of(anna)
    scenario = simulator_client.scenarios()[0]

    html = start(browser, scenario.name, nordictel)
    template = OnboardingTemplate.objects.get(name=scenario.title)
    passes.sync_connection(nordictel.connection.pk)

    assert template.activation_link in html
    assert Subscriber.objects.filter(template=template).exists()
    assert f"Rehearsal: {scenario.title}" in console.get("/").text.replace("&#x27;", "'")
    page = browser.get(PAGE).text
    assert "End rehearsal" in page
    assert "Clean: nothing was done twice" in page
    assert "Last requests at the backend" in page

    browser.post(f"{PAGE}end/")
    assert "Rehearsal:" not in console.get("/").text
    assert "Nothing: the backend behaves." in browser.get(PAGE).text


def test_every_scenario_can_be_started_and_started_again(browser, nordictel, simulator):
    for scenario in simulator_client.scenarios():
        for _ in range(2):
            start(browser, scenario.name, nordictel)
        passes.sync_connection(nordictel.connection.pk)

    titles = {scenario.title for scenario in simulator_client.scenarios()}
    assert {row.name for row in OnboardingTemplate.objects.all()} == titles


def test_every_kind_of_fault_can_be_added_as_its_form_comes_and_stopped(browser, nordictel):
    kinds = simulator_client.kinds()
    for kind in kinds:
        page = reverse("admin:rehearsal_fault", args=[kind.kind])
        form = browser.get(page).context["form"]
        answer = browser.post(page, as_sent(form) | {"token_name": "Nordictel"})
        assert answer.status_code == 302, (kind, answer.context["form"].errors)

    running = simulator_client.running()
    assert {fault.kind for fault in running.faults} == {kind.kind for kind in kinds}
    for fault in running.faults:
        browser.post(f"{PAGE}stop/", {"fault": fault.id})
        browser.post(f"{PAGE}stop/", {"fault": fault.id})
    assert not simulator_client.running().running


def as_sent(form: FaultForm) -> dict:
    """What a browser sends of a form that nobody touched."""
    values = {bound.html_name: bound.value() for bound in form}
    sent = {name: value for name, value in values.items() if value not in (None, False)}
    return {"token_name": "*"} | sent


def test_every_value_of_every_option_is_taken(browser, nordictel):
    for kind in simulator_client.kinds():
        page = reverse("admin:rehearsal_fault", args=[kind.kind])
        for option in kind.options:
            for value in option.values:
                form = as_sent(browser.get(page).context["form"])
                form[f"option_{option.name}"] = value
                answer = browser.post(page, form)
                assert answer.status_code == 302, (kind.kind, option.name, value)


def test_what_strikes_is_counted_and_logged(browser, nordictel, simulator):
    kind = next(k for k in simulator_client.kinds() if "list" in k.operations and "429" in k.title)
    page = reverse("admin:rehearsal_fault", args=[kind.kind])
    browser.post(page, as_sent(browser.get(page).context["form"]) | {"times": "1"})

    simulator.call("GET", "/broadworks/subscribers?provisioningId=somewhere", "token-of-a-test")

    line = simulator_client.last_requests(1)[0]
    assert (line.token_name, line.operation) == ("Nordictel", "list")
    assert line.fault.endswith(f" {kind.kind}")
    assert line.fault in browser.get(PAGE).text


def test_the_command_does_the_same(nordictel, client_of, anna):
    scenario = simulator_client.scenarios()[0]
    out = StringIO()

    call_command("scenario", stdout=out)
    call_command("scenario", scenario.name, "--pace", "0.01", stdout=out)
    tasks.look()

    template = OnboardingTemplate.objects.get(name=scenario.title)
    assert template.activation_link in out.getvalue()
    assert "Rehearsal:" in client_of(anna).get("/").text


def test_a_token_that_the_simulator_does_not_know_is_said(browser, nordictel):
    nordictel.connection.set_token("unheard-of")
    nordictel.connection.save()
    page = f"{PAGE}scenario/{simulator_client.scenarios()[0].name}/"

    form = fields(browser.get(page).text) | {"partner": nordictel.pk, "pace": "1"}
    answer = browser.post(page, form)

    assert answer.status_code == 422
    assert "The simulator refuses" in answer.text
    assert not OnboardingTemplate.objects.exists()


def test_a_wrong_control_token_is_said_on_the_page(browser, simulator, settings):
    settings.SIMULATOR_CONTROL_TOKEN = "wrong"

    assert "The simulator refuses (401): wrong control token" in browser.get(PAGE).text


def test_every_title_of_the_simulator_is_known_to_the_translators(simulator):
    told = {item.title for item in (*simulator_client.scenarios(), *simulator_client.kinds())}

    assert told == TITLES
