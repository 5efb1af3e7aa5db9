"""The enterprise filter: its panel asks the server for what is typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from provisioning.lists import enterprises
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def users(template, monkeypatch):
    monkeypatch.setattr(enterprises, "MAX_SHOWN", 5)
    for name in ["Rødskov", "Blåskov", *[f"firma {n}" for n in range(8)]]:
        factories.make_subscriber(template, enterprise_id=name)


def opened(page: Page) -> None:
    page.get_by_role("button", name="Enterprise").click()
    expect(page.get_by_role("searchbox", name="Find an enterprise")).to_be_focused()


def options(page: Page):
    return page.locator("#filter-enterprise .filter-option")


def test_the_panel_fills_when_it_is_opened_and_says_that_there_are_more(open_list):
    page = open_list()

    opened(page)

    expect(options(page)).to_have_text(["Any", "Blåskov", *[f"firma {n}" for n in range(4)]])
    expect(page.locator("#filter-enterprise [role=status]")).to_contain_text("the first 5")


def test_typing_finds_and_choosing_narrows_the_list(open_list):
    page = open_list()
    opened(page)

    page.keyboard.type("SKOV")
    expect(options(page)).to_have_text(["Any", "Blåskov", "Rødskov"])
    page.keyboard.press("ArrowDown")  # to Any, which is chosen
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")

    expect(page.get_by_text("1–1 of 1 that match")).to_be_visible()
    expect(page.locator("#chosen-enterprise")).to_have_text("Rødskov")
    assert page.url.endswith("?enterprise=R%C3%B8dskov")


def test_the_chosen_one_stays_on_top_and_can_be_lifted(open_list):
    page = open_list("?enterprise=firma%207")
    opened(page)

    page.keyboard.type("skov")
    expect(options(page)).to_have_text(["Any", "firma 7", "Blåskov", "Rødskov"])
    expect(page.get_by_role("radio", name="firma 7")).to_be_checked()
    page.locator("#filter-enterprise").get_by_role("radio", name="Any").check()

    expect(page.get_by_text("1–10 of 10")).to_be_visible()
    assert "enterprise" not in page.url


def test_enter_in_the_field_searches_and_submits_nothing(open_list):
    page = open_list()
    opened(page)

    page.keyboard.type("nobody")
    page.keyboard.press("Enter")

    expect(page.locator("#filter-enterprise [role=status]")).to_contain_text("No enterprise has")
    assert "?" not in page.url


def test_on_the_page_of_all_templates_it_offers_what_the_chosen_one_has(open_list, partner):
    hotels = factories.make_template(partner, "Hotels 2026")
    factories.make_subscriber(hotels, enterprise_id="Grand Hotel")
    page = open_list()
    page.goto(f"/users/?template={hotels.uuid}")

    opened(page)

    expect(options(page)).to_have_text(["Any", "Grand Hotel"])


def test_without_an_answer_it_is_said(open_list):
    page = open_list()
    page.route("**/users/enterprises/**", lambda route: route.abort())

    opened(page)

    expect(page.get_by_text("No answer from the server")).to_be_visible()


def test_without_script_it_is_a_text_field(open_list):
    page = open_list(java_script_enabled=False)

    page.get_by_role("button", name="Enterprise").click()
    page.get_by_label("Enterprise ID").fill("Blåskov")
    page.get_by_role("button", name="Apply").click()

    expect(page.get_by_text("1–1 of 1 that match")).to_be_visible()
