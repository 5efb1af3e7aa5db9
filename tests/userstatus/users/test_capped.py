"""What the list says where too many users match to be counted."""

from __future__ import annotations

import re

import pytest

from provisioning.lists import finder
from provisioning.states import Status
from tests.factories import make_partner, make_subscriber, make_template, make_user
from tests.userstatus.pages import link, words


@pytest.fixture(autouse=True)
def _counts_to_28(monkeypatch):
    monkeypatch.setattr(finder, "MAX_COUNTED", 28)


@pytest.fixture
def template(db):
    template = make_template(make_partner())
    for number in range(30):
        make_subscriber(template, Status.ERROR, broadworks_id=f"firma{number:02}")
    return template


@pytest.fixture
def browser(template, client_of):
    return client_of(make_user(template.partner))


@pytest.fixture
def path(template):
    return f"/templates/{template.uuid}/users/"


def counts(response):
    return re.findall(r'data-count="(\w*)">([^<]*)<', response.text)


def test_the_pager_says_how_many_there_are_at_least(browser, path):
    page = browser.get(path, {"q": "firma", "per_page": 25})

    assert "1–25 of 28+ that match" in words(page)
    assert "data-capped" in page.text


def test_the_last_page_says_how_many_it_shows(browser, path):
    first = browser.get(path, {"q": "firma", "per_page": 25})

    last = browser.get(link(first, "Last page"))

    assert "Last 25 of 28+ that match" in words(last)


def test_statuses_that_nobody_counted_have_no_number(browser, path):
    capped = counts(browser.get(path, {"q": "firma"}))
    exact = counts(browser.get(path, {"q": "firma07"}))

    assert {number for _, number in capped} == {""}
    assert dict(exact)["error"] == "1"


def test_a_filter_that_hides_them_says_more_than(browser, path):
    page = words(browser.get(path, {"q": "firma", "package": "nosuch"}))

    assert "Without the package nosuch there are more than 28 users. Show them" in page


def test_a_counted_list_is_not_capped(browser, path):
    page = browser.get(path)

    assert "1–30 of 30" in words(page)
    assert "data-capped" not in page.text
