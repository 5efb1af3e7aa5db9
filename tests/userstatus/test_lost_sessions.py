"""Forms that are sent after the session ended, or from a page older than the sign-in."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from provisioning.models import Job, Subscriber
from provisioning.states import Status
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-old-word-1"
OURS = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@pytest.fixture
def freja(template) -> Subscriber:
    return factories.make_subscriber(template, Status.ERROR, broadworks_id="freja@x.example")


@pytest.fixture
def anna(anna: User) -> User:
    anna.set_password(PASSWORD)
    anna.save()
    return anna


@pytest.fixture
def browser() -> Client:
    return Client(headers=OURS)


def retry(user: Subscriber) -> str:
    return reverse("userstatus:retry", args=[user.uuid])


def hidden(page, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.content.decode())
    assert found, name
    return found[1]


def sign_in(browser: Client, user: User, **more):
    given = {"login": user.email, "password": PASSWORD, **more}
    return browser.post("/login/", given, follow=True)


def test_after_signing_in_again_one_stands_before_the_same_dialog(browser, anna, freja):
    page = browser.post(retry(freja), {"email": "typed@firma.example"})
    assert page.status_code == 401
    assert "nothing was done" in page.content.decode()

    wrong = browser.post(
        "/login/", {"login": anna.email, "password": "x", "lost": hidden(page, "lost")}
    )
    dialog = sign_in(browser, anna, lost=hidden(wrong, "lost"))

    assert dialog.redirect_chain[-1][0] == retry(freja)
    text = dialog.content.decode()
    assert 'value="typed@firma.example"' in text
    assert "Nothing was sent: you were signed out" in text
    assert not Job.objects.exists()
    assert "typed@firma.example" not in browser.get(retry(freja)).content.decode()


def test_a_form_of_another_page_is_shown_to_be_sent_again(browser, anna):
    given = {"name": "Ida", "email": "ida@n.example", "role": "read_only"}
    page = browser.post("/settings/people/new/", given)

    again = sign_in(browser, anna, lost=hidden(page, "lost"))

    assert again.redirect_chain[-1][0] == "/again/"
    assert not User.objects.filter(email="ida@n.example").exists()
    assert {name: hidden(again, name) for name in given} == given
    assert 'action="/settings/people/new/"' in again.content.decode()


@pytest.mark.parametrize("sealed", ["", "x", "eyJhIjoxfQ:1:x"])
def test_a_form_that_is_not_ours_is_forgotten(browser, anna, sealed):
    assert sign_in(browser, anna, lost=sealed).redirect_chain[-1][0] == "/"


def test_another_sites_form_is_not_kept(anna, freja):
    page = Client(headers={"sec-fetch-site": "none"}).post(retry(freja), {"email": "x@y.example"})

    assert page.status_code == 302


def test_a_dialog_is_told_that_one_is_signed_out(browser, freja):
    answer = browser.post(retry(freja), {"email": "x@y.example"}, headers={"hx-request": "true"})

    assert (answer.status_code, answer["X-Refused"]) == (401, "signed-out")


def test_passwords_and_long_texts_are_not_carried(browser, anna):
    for given in ({"oldpassword": "x"}, {"name": "x" * 30_000}, {"token": "y" * 20}):
        page = browser.post("/settings/people/new/", given)
        assert page.status_code == 302


# ---- A page older than the sign-in ----


@pytest.fixture
def strict(anna) -> Client:
    client = Client(headers=OURS, enforce_csrf_checks=True)
    client.force_login(anna)
    return client


def test_a_second_press_of_sign_in_goes_on(strict):
    answer = strict.post("/login/", {"login": "x", "password": "y", "next": "/jobs/"})

    assert (answer.status_code, answer["Location"]) == (302, "/jobs/")


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", ""])
def test_a_second_press_leads_to_no_other_site(strict, wanted):
    assert strict.post("/login/", {"login": "x", "next": wanted})["Location"] == "/"


def test_what_was_filled_in_is_sent_again_by_one_press(strict):
    given = {"name": "Ida", "email": "ida@n.example", "role": "read_only"}
    page = strict.post("/settings/people/new/", given)
    assert page.status_code == 403
    assert not User.objects.filter(email="ida@n.example").exists()

    token = hidden(page, "csrfmiddlewaretoken")
    fields = {name: hidden(page, name) for name in given}
    strict.post("/settings/people/new/", fields | {"csrfmiddlewaretoken": token})

    assert User.objects.filter(email="ida@n.example").exists()


def test_an_open_dialog_gets_what_it_needs_to_be_sent_again(strict, freja):
    answer = strict.post(retry(freja), {"email": "x@y.example"}, headers={"hx-request": "true"})
    assert answer["X-Refused"] == "stale"

    token = answer["X-CSRF-Token"]
    given = {"email": "x@y.example", "csrfmiddlewaretoken": token}
    assert strict.post(retry(freja), given).status_code == 302


def test_another_site_gets_no_token_and_no_form(anna, freja):
    client = Client(enforce_csrf_checks=True, headers={"sec-fetch-site": "cross-site"})
    client.force_login(anna)

    answer = client.post(retry(freja), {"email": "x@y.example"})

    assert "X-CSRF-Token" not in answer
    assert b"x@y.example" not in answer.content
