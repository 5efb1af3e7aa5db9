"""A selection through whatever happens to its list and its tab, and the dialog that shows it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from provisioning.models import Export, JobBatch, Subscriber
from provisioning.states import Status
from tests.browser.test_bulk import bar, button, crowd, dialog, says, tick

__all__ = ["crowd"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def picked(page: Page, name: str) -> Locator:
    """The tick of one user in the dialog."""
    return dialog(page).get_by_role("checkbox", name=name)


def elsewhere(page: Page) -> Locator:
    return bar(page).get_by_role("button", name="not on this page")


def tick_two_pages(page: Page) -> None:
    """Users 1, 2 and 26 to 30 of the crowd; the second page is shown."""
    tick(page, 1).check()
    tick(page, 2).check()
    page.get_by_role("link", name="Next").click()
    expect(tick(page, 30)).to_be_visible()
    tick(page, 26).check()
    tick(page, 30).click(modifiers=["Shift"])
    says(page, 7, hidden=2)


# ---- Kept ----


def test_a_selection_outlives_a_reload(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick_two_pages(page)

    page.reload()

    says(page, 7, hidden=2)
    expect(tick(page, 28)).to_be_checked()
    expect(tick(page, 30)).to_be_checked()


def test_a_selection_outlives_a_look_at_a_users_page(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick(page, 1).check()
    tick(page, 2).check()
    page.locator("tr", has=tick(page, 2)).locator(".row-link").click()
    expect(page).to_have_url(re.compile(r"/users/[0-9a-f-]{36}/$"))

    page.go_back()

    says(page, 2)
    expect(tick(page, 1)).to_be_checked()


def test_all_that_match_outlive_a_reload_and_end_with_other_filters(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick(page, 1).check()
    button(page, "Select all 30 that match").click()
    tick(page, 3).uncheck()
    says(page, 29, hidden=5)

    page.goto(page.url + "&sort=broadworks_id")
    says(page, 29, hidden=5)
    expect(tick(page, 3)).not_to_be_checked()
    page.goto(page.url.replace("status=error", "status=error&package=basic"))
    expect(bar(page)).to_be_hidden()


def test_a_tick_outlives_a_live_update_and_a_reload_after_it(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    rows = Subscriber.objects.filter(pk=crowd[0].pk)
    rows.update(status=Status.PROVISIONED, version=F("version") + 1)
    expect(page.locator("tr", has=tick(page, 1))).to_contain_text("Provisioned")

    page.reload()

    says(page, 1)
    expect(tick(page, 1)).to_be_checked()


def test_what_was_cleared_does_not_come_back(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    button(page, "Clear selection").click()

    page.reload()

    expect(tick(page, 1)).not_to_be_checked()
    expect(bar(page)).to_be_hidden()


def test_two_tabs_have_a_selection_each(open_list, crowd):
    page = open_list()
    other = page.context.new_page()
    other.goto(page.url)
    tick(page, 1).check()
    tick(other, 2).check()
    tick(other, 3).check()

    page.reload()
    other.reload()

    says(page, 1)
    says(other, 2)
    expect(tick(page, 2)).not_to_be_checked()


def test_another_sign_in_forgets_what_was_ticked(open_list, crowd, anna):
    page = open_list()
    tick(page, 1).check()
    again = Client()
    again.force_login(anna)
    cookie = {"name": "session", "value": again.cookies["session"].value}
    page.context.add_cookies([cookie | {"url": page.evaluate("location.origin")}])

    page.reload()

    expect(tick(page, 1)).not_to_be_checked()
    expect(bar(page)).to_be_hidden()


@pytest.mark.parametrize(
    "broken",
    [
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('no') }})",
        "Storage.prototype.setItem = () => { throw new Error('full') }",
        'Storage.prototype.getItem = () => \'{"owner": 1, "all": 2}\'',
    ],
    ids=["forbidden", "full", "rubbish"],
)
def test_without_a_storage_ticks_hold_for_the_page(open_list, crowd, broken):
    page = open_list()
    page.add_init_script(broken)
    page.goto(page.url + "?per_page=25")

    page.get_by_role("checkbox", name="Select this page").check()

    says(page, 25)
    expect(button(page, "Retry 25 users")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    says(page, 25, hidden=25)


# ---- After an action ----


def test_a_double_click_opens_one_dialog_and_queues_one_batch(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    tick(page, 2).check()
    button(page, "Retry 2 users").dblclick()

    dialog(page).get_by_role("button", name="Retry 2 users").dblclick()

    expect(page.locator(".toast")).to_contain_text("2 users will be tried again")
    expect(bar(page)).to_be_hidden()
    assert JobBatch.objects.get().total == 2


def test_back_after_a_queued_action_finds_nobody_selected(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    page.reload()
    says(page, 1)
    button(page, "Retry 1 user").click()
    dialog(page).get_by_role("button", name="Retry 1 user").click()
    page.get_by_role("link", name="Show progress").click()
    expect(page).to_have_url(re.compile("/jobs/"))

    page.go_back()

    expect(page.locator("tr", has=tick(page, 1))).to_contain_text("Queued")
    expect(tick(page, 1)).not_to_be_checked()
    expect(bar(page)).to_be_hidden()


# ---- Seen ----


def test_who_is_not_in_view_can_be_seen_and_unticked(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick_two_pages(page)
    elsewhere(page).click()

    expect(dialog(page).get_by_role("heading")).to_have_text("7 selected")
    expect(dialog(page).get_by_role("listitem")).to_have_count(7)
    expect(dialog(page).get_by_role("listitem").first).to_contain_text("Error 200042")
    picked(page, "Select user1@").uncheck()
    expect(dialog(page).get_by_role("heading")).to_have_text("6 selected")
    picked(page, "Select user30@").uncheck()
    page.keyboard.press("Escape")

    says(page, 5, hidden=1)
    expect(elsewhere(page)).to_be_focused()
    expect(tick(page, 30)).not_to_be_checked()
    page.get_by_role("link", name="Previous").click()
    expect(tick(page, 1)).not_to_be_checked()
    expect(tick(page, 2)).to_be_checked()


def test_the_dialog_clears(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick_two_pages(page)
    elsewhere(page).click()

    dialog(page).get_by_role("button", name="Clear selection").click()

    expect(dialog(page)).to_be_hidden()
    expect(bar(page)).to_be_hidden()
    expect(tick(page, 30)).not_to_be_checked()


def test_the_dialog_shows_more_by_portions(open_list, crowd, monkeypatch):
    monkeypatch.setattr("userstatus.users.selected.PAGE_SIZE", 10)
    page = open_list("?per_page=25")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("link", name="Next").click()
    elsewhere(page).click()
    expect(dialog(page).get_by_role("listitem")).to_have_count(10)

    dialog(page).get_by_role("button", name="Show 10 more").dblclick()
    expect(dialog(page).get_by_role("listitem")).to_have_count(20)
    expect(picked(page, "Select user11@")).to_be_focused()
    dialog(page).get_by_role("button", name="Show 5 more").click()

    expect(dialog(page).get_by_role("listitem")).to_have_count(25)
    expect(dialog(page).get_by_role("button", name="more")).to_have_count(0)
    picked(page, "Select user25@").uncheck()
    expect(dialog(page).get_by_role("heading")).to_have_text("24 selected")


def test_of_all_that_match_the_dialog_shows_who_is_left_out(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick(page, 1).check()
    button(page, "Select all 30 that match").click()
    tick(page, 3).uncheck()
    elsewhere(page).click()
    words = "All 30 that match the status Error, without this one"
    expect(dialog(page)).to_contain_text(words)
    expect(dialog(page).get_by_role("listitem")).to_have_count(1)

    picked(page, "Select user3@").check()
    expect(dialog(page).get_by_role("heading")).to_have_text("30 selected")
    dialog(page).get_by_role("button", name="Done").click()

    says(page, 30, hidden=5)
    expect(tick(page, 3)).to_be_checked()


def test_where_nobody_counts_no_number_is_said(open_list, crowd, monkeypatch):
    monkeypatch.setattr("provisioning.lists.finder.MAX_COUNTED", 10)
    page = open_list("?q=x.example&per_page=25")
    tick(page, 1).check()
    button(page, "Select all that match").click()
    expect(bar(page)).to_contain_text("All that match are selected")
    tick(page, 2).uncheck()
    expect(bar(page)).to_contain_text("All that match but 1")

    button(page, "Retry selected users").click()

    expect(dialog(page)).to_contain_text("All 29 users can be retried.")


def test_who_was_deleted_meanwhile_is_shown_as_such(open_list, crowd):
    page = open_list("?status=error&per_page=25")
    tick_two_pages(page)
    Subscriber.objects.filter(pk=crowd[0].pk).update(deleted_at=timezone.now())
    Subscriber.objects.filter(pk=crowd[1].pk).update(broadworks_id="مرحبا🙂@x.example")
    elsewhere(page).click()

    expect(dialog(page).get_by_role("listitem").filter(has_text="user1@")).to_contain_text(
        "Deleted"
    )
    expect(dialog(page)).to_contain_text("مرحبا🙂@x.example")
    page.keyboard.press("Escape")
    button(page, "Retry 7 users").click()
    expect(dialog(page)).to_contain_text("6 of 7 users can be retried.")


# ---- Export ----


def test_the_export_gets_the_ticked_ones_and_the_ticks_stay(open_list, crowd):
    page = open_list("?status=error&per_page=25&sort=broadworks_id")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("link", name="Next").click()
    says(page, 25, hidden=25)

    with page.expect_request(lambda request: request.method == "POST") as sent:
        button(page, "Export 25 users").click()
        button(page, "CSV file").click()
    expect(page).to_have_url(re.compile("/exports?/"))

    assert sent.value.url.endswith("/users/export/?status=error&sort=broadworks_id")
    assert sent.value.post_data.count(".") == 24
    page.go_back()
    says(page, 25, hidden=25)


@pytest.mark.parametrize("is_scripted", [True, False])
@pytest.mark.parametrize(
    ("name", "written"),
    [("CSV file", "CSV: UTF-8"), ("Excel file", "Excel: every cell")],
)
def test_the_ticked_ones_are_exported_as(open_list, crowd, name, written, is_scripted):
    page = open_list("?status=error", java_script_enabled=is_scripted)
    tick(page, 2).check()

    button(page, "Export 1 user" if is_scripted else "Export selected").click()
    button(page, name).click()

    expect(page).to_have_url(re.compile("/exports?/"))
    expect(page.get_by_text(written)).to_be_visible()
    assert Export.objects.get().ticked == [crowd[1].pk]


def test_in_the_list_of_all_templates_ticks_are_kept_by_themselves(open_list, crowd):
    page = open_list()
    tick(page, 1).check()
    page.goto(reverse("userstatus:all_users"))
    expect(bar(page)).to_be_hidden()
    tick(page, 2).check()
    says(page, 1)
    expect(bar(page).get_by_role("button", name=re.compile("^Export 1 user"))).to_be_visible()
    actions = re.compile("^(Retry|Delete|Change)")
    expect(bar(page).get_by_role("button", name=actions)).to_have_count(0)

    page.go_back()

    says(page, 1)
    expect(tick(page, 1)).to_be_checked()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_dialog_of_the_selected_is_accessible(open_list, crowd, width):
    page = open_list("?per_page=25", viewport={"width": width, "height": 844})
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("link", name="Next").click()
    elsewhere(page).click()
    expect(dialog(page).get_by_role("listitem")).to_have_count(25)

    found = Axe().run(page)

    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
