"""Pages about onboarding templates, as a browser without JavaScript sees them."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from provisioning.models import Activation
from provisioning.states import Status
from templates_app.models import IdCheck, OnboardingTemplate
from tests import factories

NEW = "/templates/new/"


def url(name, template):
    return reverse(f"userstatus:{name}", args=[template.uuid])


def form_of(template=None, **changes):
    given = {
        "name": "Hotels",
        "provisioning_id": "prov-1",
        "country": "DK",
        "language": "da",
        "default_package": "basic",
        "verification": "untrusted",
        "share_link": "",
    }
    if template:
        given |= {"name": template.name, "updated_at": template.updated_at.isoformat()}
    return given | changes


def test_the_detail_says_what_is_wrong_and_mends_it(template, anna, client_of):
    client = client_of(anna)
    other = factories.make_template(template.partner, "Hotels")
    OnboardingTemplate.objects.filter(pk=template.pk).update(share_link=other.activation_link)
    text = client.get(url("template", template)).content.decode()
    assert "It leads to the portal of Hotels" in text
    assert "Mend it" in text

    client.post(url("template_mend", template))

    text = client.get(url("template", template)).content.decode()
    assert "Mend it" not in text
    assert f'readonly value="{template.activation_link}"' in text


def test_the_fixed_names_stand_once_on_the_detail(template, anna, client_of):
    text = client_of(anna).get(url("template", template)).content.decode()

    assert text.count(">User verification<") == 1
    assert text.count("Show user status") == 1


def test_view_templates_stands_once_on_settings(template, anna, client_of):
    assert client_of(anna).get("/settings/").content.decode().count("View templates") == 1


def test_nothing_secret_is_on_settings(template, anna, client_of):
    text = client_of(anna).get("/settings/").content.decode()

    assert "token-of-a-test" not in text
    assert template.partner.connection.token_sealed not in text
    assert "ends in …test" in text


def test_counts_open_exactly_those_users(template, anna, client_of):
    for status in (Status.ERROR, Status.ERROR, Status.PROVISIONED, "brand_new_status"):
        factories.make_subscriber(template, status)

    text = client_of(anna).get(url("template", template)).content.decode()

    assert f'href="{url("users", template)}?status=error">2<' in text
    assert f'href="{url("users", template)}?status=brand_new_status">1<' in text


def test_refused_people_without_a_subscriber_are_listed(template, anna, client_of):
    fields = {"partner": template.partner, "template": template, "state": "refused"}
    Activation.objects.create(**fields, broadworks_id="1@n.example", error_code="200050")
    known = factories.make_subscriber(template)
    Activation.objects.create(**fields, broadworks_id="2@n.example", subscriber=known)

    text = client_of(anna).get(url("template", template)).content.decode()

    assert '1<wbr><span class="host">@n.example' in text
    assert "2<wbr>" not in text


def test_creating_without_webex_saves_with_a_warning(partner, anna, client_of):
    answer = client_of(anna).post(NEW, form_of(), follow=True)

    made = OnboardingTemplate.objects.get()
    assert answer.redirect_chain == [(url("template", made), 302)]
    assert "Webex cannot be reached" in answer.content.decode()
    assert (made.id_check, made.share_link) == (IdCheck.UNCHECKED, made.activation_link)


@pytest.mark.parametrize("change", [{"name": "smb denmark"}, {"verification": ""}, {"name": ""}])
def test_a_refused_form_keeps_what_was_typed(change, template, anna, client_of):
    answer = client_of(anna).post(NEW, form_of(provisioning_id="typed-by-hand", **change))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(change)
    assert 'value="typed-by-hand"' in answer.content.decode()


def test_saving_over_somebody_elses_save_shows_both_and_then_works(template, anna, client_of):
    client = client_of(anna)
    mine = form_of(template, provisioning_id=template.provisioning_id, country="SE")
    OnboardingTemplate.objects.get().save()

    answer = client.post(url("template_edit", template), mine)

    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Somebody else changed this template meanwhile" in text
    assert '<option value="SE" selected' in text
    assert "<dt>Country or region</dt><dd>Denmark</dd>" in text
    again = mine | {"updated_at": answer.context["form"]["updated_at"].value()}
    assert client.post(url("template_edit", template), again).status_code == 302
    template.refresh_from_db()
    assert template.country == "SE"


def test_an_edit_without_the_time_of_the_row_is_no_blind_save(template, anna, client_of):
    given = form_of(template, updated_at="", provisioning_id=template.provisioning_id)

    assert client_of(anna).post(url("template_edit", template), given).status_code == 422


def test_a_fixed_id_is_shown_and_not_editable(template, anna, client_of):
    factories.make_subscriber(template)

    text = client_of(anna).get(url("template_edit", template)).content.decode()

    assert 'name="provisioning_id"' not in text
    assert f"<code>{template.provisioning_id}</code>" in text


def test_the_edit_page_says_whom_a_closed_portal_would_hit(template, anna, client_of):
    for _number in range(12):
        factories.make_subscriber(template, Status.WAITING_ADDRESS)

    text = client_of(anna).get(url("template_edit", template)).content.decode()

    assert "12 users wait for an address" in text


def test_without_a_connection_the_new_page_says_whom_to_ask(anna, client_of):
    anna.partner.connection.delete()

    text = client_of(anna).get(NEW).content.decode()

    assert "Ask operations" in text
    assert '<form class="body' not in text


@pytest.mark.parametrize("who", ["bo", "rie"])
def test_without_the_right_there_is_no_button_and_403_with_words(who, request, template, client_of):
    person = request.getfixturevalue(who)
    client = client_of(person)

    text = client.get(url("template", template)).content.decode()
    assert "/edit/" not in text
    assert "/mend/" not in text
    assert "New template" not in client.get("/templates/").content.decode()
    for name in ("template_edit", "template_mend", "template_check"):
        answer = client.post(url(name, template))
        assert answer.status_code == 403
        assert person.get_role_display() in answer.content.decode()
    assert client.get(NEW).status_code == 403


@pytest.mark.parametrize("name", ["template", "template_edit", "template_mend", "template_check"])
def test_another_partners_template_is_as_missing_as_none(name, template, carla, client_of):
    client = client_of(carla)

    call = client.get if name == "template" else client.post

    foreign = call(url(name, template))

    missing = call(reverse(f"userstatus:{name}", args=["00000000-0000-4000-8000-000000000000"]))
    assert foreign.status_code == missing.status_code == 404
    assert _words(foreign) == _words(missing)


def _words(answer):
    """What a person reads, without the request's own id."""
    return re.findall(r"<(?:h1|p class=\"muted\")>(.+?)<", answer.content.decode())


@pytest.mark.parametrize("name", ["template_mend", "template_check"])
def test_a_get_changes_nothing(name, template, anna, client_of):
    assert client_of(anna).get(url(name, template)).status_code == 405
