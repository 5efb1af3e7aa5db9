"""The enterprise filter's search: what it finds, whose, and how much of it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.utils import timezone

from accounts.rights import Role
from provisioning.lists import enterprises
from provisioning.models import Subscriber
from tests.factories import make_partner, make_subscriber, make_template, make_user
from tests.userstatus.pages import words


@pytest.fixture
def partner(db):
    return make_partner()


@pytest.fixture
def template(partner):
    return make_template(partner)


@pytest.fixture
def browser(partner, client_of):
    return client_of(make_user(partner, Role.READ_ONLY))


@pytest.fixture
def path(template):
    return f"/templates/{template.uuid}/users/enterprises/"


def users_of(template, *names):
    for name in names:
        make_subscriber(template, enterprise_id=name)


def offered(response):
    """Values of the radio buttons in their order."""
    return [unescape(value) for value in re.findall(r'value="([^"]*)"', response.text)]


def test_without_a_word_all_are_offered_once_in_their_order(browser, path, template):
    users_of(template, "beta", "Alfa", "beta", "gamma", "")

    assert offered(browser.get(path)) == ["", "Alfa", "beta", "gamma"]


@pytest.mark.parametrize("find", ["ødsk", "ØDSK", "  Ødsk ", "\u200eRødskov\u200b\t"])
def test_any_part_is_found_in_any_case(browser, path, template, find):
    users_of(template, "Rødskov A/S", "RØDSKOV 2", "Blåskov")

    assert offered(browser.get(path, {"find": find})) == ["", "RØDSKOV 2", "Rødskov A/S"]


@pytest.mark.parametrize(
    "find", ["%", "_", "\0%", "'; DROP TABLE x; --", "\\", "😀", "a" * 10_000, "<b>", "\ud800"]
)
def test_odd_texts_are_only_texts(browser, path, template, find):
    users_of(template, "plain", "100 % <b>'; DROP TABLE x; --\\ _😀")

    page = browser.get(path, {"find": find.encode("utf-8", "surrogatepass")})

    assert page.status_code == 200
    assert "plain" not in offered(page)
    assert "<b>" not in page.text


def test_only_those_of_the_template(browser, path, template, partner):
    users_of(template, "here")
    users_of(make_template(partner), "there")

    assert offered(browser.get(path)) == ["", "here"]
    assert offered(browser.get("/users/enterprises/")) == ["", "here", "there"]
    assert offered(browser.get("/users/enterprises/", {"find": "here"})) == ["", "here", "there"]


@pytest.mark.parametrize("find", ["", "er"])
def test_of_all_templates_only_those_of_the_chosen_one(browser, template, partner, find):
    users_of(template, "here")
    users_of(make_template(partner), "there")

    page = browser.get("/users/enterprises/", {"find": find, "template": str(template.uuid)})
    odd = browser.get("/users/enterprises/", {"find": find, "template": "of nobody"})

    assert offered(page) == ["", "here"]
    assert offered(odd) == ["", "here", "there"]


@pytest.mark.parametrize("find", ["", "the"])
def test_another_partners_are_never_offered(browser, path, template, find):
    other = make_template(make_partner("Iberfone"))
    users_of(other, "theirs")

    assert offered(browser.get("/users/enterprises/", {"find": find})) == [""]
    assert browser.get(f"/templates/{other.uuid}/users/enterprises/").status_code == 404


@pytest.mark.parametrize("find", ["", "go"])
def test_those_of_deleted_users_are_not_offered(browser, path, template, find):
    users_of(template, "gone")
    Subscriber.objects.update(deleted_at=timezone.now())

    assert offered(browser.get(path, {"find": find})) == [""]


@pytest.mark.parametrize("find", ["", "firm"])
def test_fifty_are_shown_and_it_is_said_that_there_are_more(
    browser, path, template, monkeypatch, find
):
    monkeypatch.setattr(enterprises, "MAX_SHOWN", 2)
    users_of(template, "firm c", "firm a", "firm b")

    page = browser.get(path, {"find": find})

    assert offered(page) == ["", "firm a", "firm b"]
    assert 'data-said="These are the first 2. Type a part of the name."' in page.text


def test_the_chosen_one_stays_on_top_whatever_is_typed(browser, path, template):
    users_of(template, "alfa", "beta", "gamma")

    page = browser.get(path, {"find": "al", "enterprise": "gamma"})

    assert offered(page) == ["", "gamma", "alfa"]
    assert re.search(r'value="gamma" checked', page.text)


def test_nothing_found_is_said(browser, path, template):
    users_of(template, "alfa")

    assert "No enterprise has “xyz” in its name." in unescape(
        browser.get(path, {"find": "xyz"}).text
    )


def test_a_stranger_is_sent_to_the_sign_in(client, path, template):
    assert client.get(path).status_code == 302


@pytest.mark.parametrize("find", ["", "a"])
def test_it_asks_a_fixed_number_of_queries(
    browser, path, template, django_assert_num_queries, find
):
    users_of(template, *[f"a{n}" for n in range(20)])

    with django_assert_num_queries(4):  # session, person, template, names
        browser.get(path, {"find": find})


# ---- Without script ----


def test_the_panel_has_a_text_field_that_is_submitted_last(browser, path, template):
    users_of(template, "alfa", "beta")

    page = browser.get(f"/templates/{template.uuid}/users/?enterprise=alfa")
    fields = re.findall(r'<input[^>]*name="enterprise"[^>]*>', page.text)
    changed = browser.get(f"/templates/{template.uuid}/users/?enterprise=alfa&enterprise=beta")

    assert 'type="text"' in fields[-1]
    assert 'value="alfa"' in fields[-1]
    assert "1–1 of 1 that match" in words(changed)
    assert 'value="beta"' in changed.text
