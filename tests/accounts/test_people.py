"""Administrators managing administrators: who may, the mail, sessions, and the last one."""

from __future__ import annotations

import re
import threading

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse

from accounts import services
from accounts.models import AuditEvent, User
from accounts.rights import Role
from accounts.services import PersonRefused
from provisioning.models import Mail
from tests import factories
from tests.mails import deliver

NEW = "/settings/people/new/"


@pytest.fixture(autouse=True)
def _mails_in_memory(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def page_of(person, name="person"):
    return reverse(f"userstatus:{name}", args=[person.uuid])


def test_a_new_administrator_is_made_and_gets_a_link_that_sets_the_password(anna, client_of):
    given = {"name": "Ida Kjær", "email": "Ida@Nordictel.Example", "role": "read_only"}

    answer = client_of(anna).post(NEW, given)

    assert answer.status_code == 302
    ida = User.objects.get(email="ida@nordictel.example")
    assert (ida.partner, ida.role, ida.has_usable_password()) == (anna.partner, "read_only", False)
    (message,) = deliver()
    assert message.to == ["ida@nordictel.example"]
    assert "/password/reset/key/" in message.body
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions == {"person.add", "person.send_link"}


def test_the_mailed_link_leads_to_a_form_that_sets_the_password(anna, client_of, client):
    client_of(anna).post(NEW, {"name": "Ida", "email": "ida@n.example", "role": "administrator"})
    path = next(word for word in deliver()[0].body.split() if "/password/reset/key/" in word)
    form = client.get(path.partition("testserver")[2], follow=True)

    word = "a-long-new-word-42"
    url = form.redirect_chain[-1][0]
    client.post(url, {"password1": word, "password2": word})

    assert User.objects.get(email="ida@n.example").check_password(word)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "", "email": "ida@n.example", "role": "read_only"}, "name"),
        ({"name": "Ida", "email": "ida", "role": "read_only"}, "email"),
        ({"name": "Ida", "email": "ida@n.example", "role": "emperor"}, "role"),
        ({"name": "Ida", "email": "ANNA@nordictel.example", "role": "read_only"}, "email"),
        ({"name": "Ida", "email": "carla@iberfone.example", "role": "read_only"}, "email"),
    ],
)
def test_bad_input_is_told_beside_the_field_and_kept(given, field, anna, carla, client_of):
    answer = client_of(anna).post(NEW, given)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert f'value="{given["email"]}"' in answer.content.decode()
    assert not deliver()


def test_the_words_say_nothing_of_another_partners_people(anna, carla, client_of):
    given = {"name": "C", "email": "carla@iberfone.example", "role": "read_only"}

    text = client_of(anna).post(NEW, given).content.decode()

    assert "Carla" not in text
    assert "Iberfone" not in text


def test_a_mail_that_the_server_refuses_is_told_beside_the_person(anna, client_of):
    client_of(anna).post(NEW, {"name": "Ida", "email": "ida@n.example", "role": "read_only"})
    Mail.objects.update(state="failed", error="the mail server said: 550 5.1.1 no such user")

    page = client_of(anna).get(reverse("userstatus:people")).content.decode()

    assert "could not be delivered" in page


def test_a_double_click_makes_one_person_and_says_so_twice(anna, client_of):
    client = client_of(anna)
    shown = client.get(NEW).content.decode()
    number = re.search(r'name="submission_id" value="([^"]+)"', shown)[1]
    given = {"name": "Ida", "email": "ida@n.example", "role": "read_only", "submission_id": number}

    answers = [client.post(NEW, given) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert User.objects.filter(email="ida@n.example").count() == 1
    assert len(deliver()) == 1


def test_a_number_of_another_partners_person_makes_and_shows_nobody(anna, carla, client_of):
    given = {"name": "Ida", "email": "ida@n.example", "role": "read_only"}

    answer = client_of(anna).post(NEW, given | {"submission_id": str(carla.uuid)})

    assert answer.status_code == 422
    assert "Carla" not in answer.content.decode()


def test_links_are_limited(anna, bo, client_of):
    client = client_of(anna)
    for _number in range(4):
        answer = client.post(page_of(bo, "person_link"), follow=True)
        deliver()

    assert len(mail.outbox) == 3
    assert "Three links were sent" in answer.content.decode()


def test_a_new_role_holds_at_once_and_ends_the_sessions(anna, bo, client_of):
    browser = client_of(bo)
    assert browser.get("/account/").status_code == 200

    client_of(anna).post(page_of(bo), {"name": "Bo", "role": "read_only"})

    assert browser.get("/account/").status_code == 302
    bo.refresh_from_db()
    assert (bo.name, bo.role) == ("Bo", "read_only")


def test_a_form_drawn_before_another_save_gives_back_no_role(anna, bo, client_of):
    client = client_of(anna)
    old = client.get(page_of(bo)).context["form"]["version"].value()
    client.post(page_of(bo), {"name": "Bo", "role": "read_only", "version": old})

    typed = {"name": "Bo Holm", "role": "administrator", "version": old}
    answer = client.post(page_of(bo), typed)

    bo.refresh_from_db()
    assert (answer.status_code, bo.name, bo.role) == (422, "Bo", "read_only")
    page = answer.content.decode()
    assert "Somebody else changed this person meanwhile: now Bo, Read-only" in page
    assert 'value="Bo Holm"' in page


def test_the_same_form_saves_once_it_has_said_what_changed(anna, bo, client_of):
    client = client_of(anna)
    client.post(page_of(bo), {"name": "Bo", "role": "read_only"})
    typed = {"name": "Bo Holm", "role": "administrator", "version": "drawn-long-ago"}
    form = client.post(page_of(bo), typed).context["form"]

    client.post(page_of(bo), typed | {"version": form["version"].value()})

    bo.refresh_from_db()
    assert (bo.name, bo.role) == ("Bo Holm", "administrator")


def test_a_closed_account_is_out_at_the_next_request_and_can_be_opened(anna, bo, client_of):
    browser = client_of(bo)

    client_of(anna).post(page_of(bo, "person_close"))

    assert browser.get("/account/").status_code == 302
    client_of(anna).post(page_of(bo, "person_open"))
    bo.refresh_from_db()
    assert bo.is_active


@pytest.mark.parametrize("name", ["person", "person_close"])
def test_the_last_full_administrator_stays_one(name, anna, bo, client_of):
    answer = client_of(anna).post(page_of(anna, name), {"name": "Anna", "role": "administrator"})

    assert answer.status_code == 422
    assert "last active full administrator" in answer.content.decode()
    anna.refresh_from_db()
    assert (anna.role, anna.is_active) == (Role.FULL, True)


def test_one_of_two_full_administrators_may_go(anna, partner, client_of):
    other = factories.make_user(partner, Role.FULL)

    client_of(anna).post(page_of(other, "person_close"))

    other.refresh_from_db()
    assert not other.is_active


@pytest.mark.django_db(transaction=True)
def test_two_who_demote_each_other_at_once_leave_one(anna, partner):
    other = factories.make_user(partner, Role.FULL)
    outcomes = []
    start = threading.Barrier(2)

    def demote(actor, person):
        start.wait(100)
        try:
            services.change_person(
                person=person, name="x", role=Role.ADMIN, actor=factories.actor_of(actor)
            )
            outcomes.append("done")
        except PersonRefused as refused:
            outcomes.append(refused.code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=demote, args=pair) for pair in ((anna, other), (other, anna))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)

    assert sorted(outcomes) == ["done", "last_full_administrator"]
    assert User.objects.filter(role=Role.FULL, is_active=True).count() == 1


@pytest.mark.parametrize("who", ["bo", "rie"])
@pytest.mark.parametrize("name", ["person", "person_close", "person_open", "person_link"])
def test_others_may_look_and_change_nothing(name, who, request, anna, client_of):
    client = client_of(request.getfixturevalue(who))

    assert client.get("/settings/people/").status_code == 200
    assert client.post(page_of(anna, name)).status_code == 403
    assert client.post(NEW, {}).status_code == 403


@pytest.mark.parametrize("name", ["person", "person_close", "person_open", "person_link"])
def test_a_stranger_is_as_missing_as_nobody(name, anna, carla, client_of):
    assert client_of(anna).post(page_of(carla, name)).status_code == 404


@pytest.mark.parametrize("who", ["bo", "rie", "carla"])
def test_the_services_check_the_right_themselves(who, request, anna):
    actor = factories.actor_of(request.getfixturevalue(who))

    with pytest.raises(PermissionDenied):
        services.deactivate_person(person=anna, actor=actor)
    with pytest.raises(PermissionDenied):
        services.change_person(person=anna, name="", role=Role.ADMIN, actor=actor)
    with pytest.raises(PermissionDenied):
        services.change_own_account(person=anna, name="", language="", actor=actor)


def test_nothing_is_audited_when_nothing_changes(anna, bo, client_of):
    client_of(anna).post(page_of(bo), {"name": bo.name, "role": bo.role})

    assert not AuditEvent.objects.exists()


def test_a_person_without_a_name_is_called_by_the_address_in_its_own_letters():
    assert User(email="anna@xn--br-1ia.example").label == "anna@bær.example"
    assert str(User(name="Anna", email="anna@xn--br-1ia.example")) == "Anna"
