"""The dialog that shows who is selected: whom it names, what it leaves to the next portion."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from provisioning.lists import finder
from provisioning.models import Subscriber
from provisioning.states import Status
from tests.factories import make_partner, make_subscriber, make_template
from tests.userstatus.pages import words
from userstatus.row_keys import short
from userstatus.users import selected

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


@pytest.fixture
def users(template):
    return [
        make_subscriber(template, Status.ERROR, error_code="200042", broadworks_id=f"{n}@x.example")
        for n in range(5)
    ]


def keys(*users: Subscriber) -> str:
    return ".".join(short(user.pk) for user in users)


def ask(browser: Client, template, **data):
    path = reverse("userstatus:selected", args=[template.uuid])
    return browser.post(path, data, headers=HTMX)


def ticks(answer) -> list[tuple[str, bool]]:
    found = re.findall(r'value="(\w+)"[^>]* data-selected( checked)?', answer.content.decode())
    return [(key, bool(checked)) for key, checked in found]


def test_the_ticked_are_named_in_their_order(browser, template, users):
    answer = ask(browser, template, id=keys(users[3], users[1]))

    assert ticks(answer) == [(short(users[3].pk), True), (short(users[1].pk), True)]
    assert "2 selected" in words(answer)
    assert "Error 200042" in words(answer)


def test_portions_follow_each_other(browser, template, users, monkeypatch):
    monkeypatch.setattr(selected, "PAGE_SIZE", 2)
    answer = ask(browser, template, id=keys(*users))
    assert "Show 2 more" in words(answer)
    rest = unescape(re.search(r'name="id" value="([^"]*)"', answer.content.decode())[1])
    assert rest == keys(*users[2:])

    answer = ask(browser, template, id=rest, more="on")

    assert [key for key, _ in ticks(answer)] == [short(user.pk) for user in users[2:4]]
    assert "Show 1 more" in words(answer)
    assert "selected" not in words(answer)


def test_others_are_not_named(browser, template, users):
    other = make_template(make_partner("Other"), name="Theirs")
    theirs = make_subscriber(other, Status.ERROR, broadworks_id="secret@x.example")

    answer = ask(browser, template, id=f"{keys(theirs)}.zzzzzzzzzzz.-.{keys(users[0])}")

    assert "secret" not in words(answer)
    assert words(answer).count("No longer in this list") == 2
    assert answer.content.decode().count('aria-label="Select 0@x.example"') == 1
    path = reverse("userstatus:selected", args=[other.uuid])
    assert browser.post(path, {"id": keys(theirs)}).status_code == 404


def test_the_deleted_say_so(browser, template, users):
    Subscriber.objects.filter(pk=users[0].pk).update(deleted_at=timezone.now())

    assert "Deleted" in words(ask(browser, template, id=keys(users[0])))


def test_all_that_match_are_words_and_who_is_left_out(browser, template, users):
    data = {"all": "on", "status": "error", "not": keys(users[0], users[1])}
    answer = ask(browser, template, **data)

    assert "3 selected" in words(answer)
    assert "All 5 that match the status Error" in words(answer)
    assert "without these 2" in words(answer)
    assert [checked for _, checked in ticks(answer)] == [False, False]


@pytest.mark.parametrize("search", ["", "x.example"])
def test_who_is_left_out_and_matches_no_more_takes_nobody_away(browser, template, users, search):
    Subscriber.objects.filter(pk=users[0].pk).update(status=Status.PROVISIONED)

    data = {"all": "on", "status": "error", "q": search, "not": keys(*users[:2])}
    answer = ask(browser, template, **data)

    assert "3 selected" in words(answer)
    assert "All 4 that match the" in words(answer)


def test_where_nobody_counts_there_is_no_number(browser, template, users, monkeypatch):
    monkeypatch.setattr(finder, "MAX_COUNTED", 2)
    answer = ask(browser, template, all="on", q="x.example")

    assert "All that match are selected" in words(answer)
    assert "All that match the search “x.example”" in words(answer)
    answer = ask(browser, template, all="on", q="x.example", **{"not": keys(users[0])})
    assert "All that match but 1" in words(answer)


def test_who_may_only_look_may_see_it(client_of, rie, template, users):
    assert ask(client_of(rie), template, id=keys(users[0])).status_code == 200


def test_it_is_posted_with_a_token(anna, template, users):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(anna)

    assert ask(browser, template, id=keys(users[0])).status_code == 403
    assert browser.get(reverse("userstatus:all_selected")).status_code == 405
