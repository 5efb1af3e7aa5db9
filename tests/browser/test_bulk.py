"""Ticks in the list of users, the bar below it, and the dialogs that it opens."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db.models import F
from playwright.sync_api import Locator, Page, expect

from provisioning.models import JobBatch, Subscriber
from provisioning.states import JobState, Status
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def crowd(template) -> list[Subscriber]:
    """Thirty in error, newest first, and one at whom Webex works: the page asks every 2 s."""
    factories.make_subscriber(template, Status.PROVISIONING, minutes_ago=99)
    return [
        factories.make_subscriber(
            template, Status.ERROR, error_code="200042", minutes_ago=number,
            broadworks_id=f"user{number}@x.example",
        )
        for number in range(1, 31)
    ]  # fmt: skip


def tick(page: Page, number: int) -> Locator:
    return page.get_by_role("checkbox", name=f"Select user{number}@x.example", exact=True)


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Selected users")


def button(page: Page, name: str) -> Locator:
    return bar(page).get_by_role("button", name=name, exact=True)


def says(page: Page, selected: int, *, hidden: int = 0) -> None:
    expect(bar(page).locator("[data-bulk-count]")).to_have_text(f"{selected} selected")
    elsewhere = bar(page).get_by_text("not on this page")
    if hidden:
        expect(elsewhere).to_have_text(f"{hidden} not on this page")
    expect(elsewhere).to_be_visible(visible=bool(hidden))


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_the_bar_counts_what_is_ticked(open_list, crowd):
    page = open_list()
    expect(bar(page)).to_be_hidden()

    tick(page, 2).check()
    says(page, 1)
    expect(button(page, "Retry 1 user")).to_be_visible()
    tick(page, 5).click(modifiers=["Shift"])

    says(page, 4)
    expect(tick(page, 4)).to_be_checked()
    expect(page.get_by_role("checkbox", name="Select this page")).to_have_js_property(
        "indeterminate", True
    )
    for name in ("Retry 4 users", "Delete 4 users", "Change package of 4 users"):
        expect(button(page, name)).to_be_visible()
    tick(page, 3).click(modifiers=["Shift"])
    says(page, 1)
    button(page, "Clear selection").click()
    expect(bar(page)).to_be_hidden()
    expect(tick(page, 2)).not_to_be_checked()


def test_ticks_outlive_pages_order_and_filters(open_list, crowd):
    page = open_list("?per_page=25")
    page.get_by_role("checkbox", name="Select this page").check()
    says(page, 25)

    page.get_by_role("link", name="Next").click()
    tick(page, 26).check()
    says(page, 26, hidden=25)
    page.get_by_role("link", name="BroadWorks ID").click()

    expect(tick(page, 1)).to_be_checked()
    page.get_by_role("searchbox").fill("user7@")
    expect(tick(page, 30)).to_be_hidden()
    expect(tick(page, 7)).to_be_checked()
    says(page, 26, hidden=25)


def test_all_that_match_but_for_one_are_retried(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    page.evaluate("window.sameDocument = true")
    tick(page, 1).check()
    button(page, "Select all 30 that match").click()
    says(page, 30, hidden=5)
    tick(page, 3).uncheck()
    says(page, 29, hidden=5)

    button(page, "Retry 29 users").click()
    expect(dialog(page)).to_contain_text("All 29 users can be retried.")
    dialog(page).get_by_role("button", name="Retry 29 users").click()

    expect(page.locator(".toast")).to_contain_text("29 users will be tried again")
    batch = JobBatch.objects.get()
    link = page.get_by_role("link", name="Show progress")
    expect(link).to_have_attribute("href", batch.get_absolute_url())
    expect(bar(page)).to_be_hidden()
    expect(tick(page, 1)).not_to_be_checked()
    expect(page.locator("tr", has=tick(page, 1))).to_contain_text("Queued")
    queued = batch.jobs.exclude(state=JobState.CANCELLED)
    assert {job.subscriber for job in queued} == set(crowd) - {crowd[2]}
    assert page.evaluate("window.sameDocument")


def test_all_ends_with_other_filters(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick(page, 1).check()
    button(page, "Select all 30 that match").click()
    page.get_by_role("link", name="Next").click()
    expect(tick(page, 30)).to_be_checked()
    says(page, 30, hidden=25)

    page.get_by_role("searchbox").fill("user7@")

    expect(bar(page)).to_be_hidden()
    expect(tick(page, 7)).not_to_be_checked()


def test_a_tick_outlives_a_live_update(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    tick(page, 1).focus()

    rows = Subscriber.objects.filter(pk=crowd[0].pk)
    rows.update(status=Status.PROVISIONED, version=F("version") + 1)

    expect(page.locator("tr", has=tick(page, 1))).to_contain_text("Provisioned")
    expect(tick(page, 1)).to_be_checked()
    expect(tick(page, 1)).to_be_focused()
    says(page, 1)


def test_a_package_names_its_number(open_list, crowd):
    Subscriber.objects.filter(pk=crowd[0].pk).update(package="basic")
    page = open_list()
    for number in (1, 2, 3):
        tick(page, number).check()
    button(page, "Change package of 3 users").click()

    dialog(page).get_by_role("radio", name="Basic 2 users change").check()
    dialog(page).get_by_role("button", name="Change package of 2 users").click()

    expect(page.locator(".toast")).to_contain_text("the package of 2 users will be changed")
    assert JobBatch.objects.get().params == {"package": "basic"}


def test_a_dialog_that_is_left_keeps_the_ticks_and_gives_the_focus_back(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    button(page, "Delete 1 user").click()
    expect(dialog(page)).to_contain_text("Webex forgets these users")

    page.keyboard.press("Escape")

    expect(button(page, "Delete 1 user")).to_be_focused()
    says(page, 1)
    assert not JobBatch.objects.exists()


def test_without_script_the_page_and_its_ticks_are_a_form(open_list, crowd):
    page = open_list(java_script_enabled=False)
    tick(page, 1).check()
    tick(page, 2).check()
    button(page, "Retry selected users").click()
    expect(page.get_by_role("heading", name="Retry 2 users")).to_be_visible()

    page.get_by_role("button", name="Retry 2 users").click()

    expect(page).to_have_url(re.compile(r"/jobs/"))
    assert JobBatch.objects.get().total == 2


def test_only_one_control_bears_each_name_of_the_row_actions(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    page.get_by_role("button", name="Actions for user1@x.example", exact=True).click()
    expect(page.get_by_role("link", name="Delete user")).to_be_visible()

    for name in ("Retry activation", "Delete user", "Change package type", "Copy error text"):
        assert page.get_by_role("link", name=name).or_(
            page.get_by_role("button", name=name)
        ).count() == 1, name  # fmt: skip


@pytest.mark.parametrize("width", [1440, 390])
def test_ticks_bar_and_dialog_are_accessible(open_list, crowd, width):
    page = open_list(viewport={"width": width, "height": 844})
    tick(page, 1).check()

    for name in ("", "Retry 1 user", "Change package of 1 user", "Delete 1 user"):
        if name:
            button(page, name).click()
            expect(dialog(page)).to_contain_text("This user can")
        found = Axe().run(page)
        assert found.response["violations"] == [], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Escape")
