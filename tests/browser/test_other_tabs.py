"""A page that stands open while its reader's clock, account or other tabs change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from provisioning.models import Subscriber
from provisioning.states import Status
from templates_app.models import OnboardingTemplate
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def freja(template: OnboardingTemplate) -> Subscriber:
    return factories.make_subscriber(
        template, Status.ERROR, broadworks_id="freja@x.example", error_code="200042", minutes_ago=9
    )


@pytest.fixture
def busy(template: OnboardingTemplate) -> Subscriber:
    """Somebody at whom Webex works, so that the page asks every two seconds."""
    return factories.make_subscriber(template, Status.PROVISIONING, minutes_ago=2)


@pytest.mark.parametrize("wrong_by", [-3600, 3600, 400 * 24 * 3600])
def test_ages_are_the_servers_whatever_the_readers_clock_says(open_list, freja, served, wrong_by):
    page = open_list()
    page.clock.install(time=timezone.now() + timedelta(seconds=wrong_by))
    page.reload()

    expect(page.locator("#main time[data-relative]").first).to_have_text("9 min. ago")
    page.clock.run_for(120_000)

    expect(page.locator("#main time[data-relative]").first).to_have_text("11 min. ago")


def test_keys_work_after_a_box_was_ticked(open_list, freja):
    page = open_list()
    page.locator("[data-tick]").first.check()

    page.keyboard.press("/")

    expect(page.locator("[data-search]")).to_be_focused()


def test_another_account_in_another_tab_is_told_and_shows_nothing_of_its_own(
    open_list, freja, busy, carla: User, served
):
    page = open_list()
    theirs = factories.make_template(carla.partner)
    factories.make_subscriber(theirs, Status.ERROR, broadworks_id="theirs@x.example")
    session = Client()
    session.force_login(carla)
    cookie = {"name": "session", "value": session.cookies["session"].value, "url": served}

    page.context.add_cookies([cookie])

    expect(page.locator("#users-sync")).to_contain_text("another account is signed in")
    assert "theirs@x.example" not in page.content()


def test_a_list_that_is_gone_is_told_as_that(open_list, freja, busy):
    page = open_list()
    page.route("**/users/live/**", lambda route: route.fulfill(status=404))

    expect(page.locator("#users-sync")).to_contain_text("no longer there")
