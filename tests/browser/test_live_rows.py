"""The list of users in a browser while its rows change underneath, by the database itself."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from provisioning.models import Job, Subscriber
from provisioning.states import Status
from templates_app.models import OnboardingTemplate
from tests import factories
from tests.browser.looks import LOOKS
from userstatus.row_keys import short

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def freja(template: OnboardingTemplate) -> Subscriber:
    return factories.make_subscriber(
        template, Status.ERROR, broadworks_id="freja@x.example", error_code="200042",
        error_text="Failed validating email", minutes_ago=1,
    )  # fmt: skip


@pytest.fixture
def busy(template: OnboardingTemplate) -> Subscriber:
    """Somebody at whom Webex works, so that the page asks every two seconds."""
    return factories.make_subscriber(template, Status.PROVISIONING, minutes_ago=2)


def change(subscriber: Subscriber, **values) -> None:
    """What a worker would have written."""
    rows = Subscriber.objects.filter(pk=subscriber.pk)
    rows.update(**values, version=F("version") + 1, last_change_at=timezone.now())


def provision(subscriber: Subscriber) -> None:
    change(subscriber, status=Status.PROVISIONED, backend_status=Status.PROVISIONED,
           error_code="", error_text="", email="new@firma.example")  # fmt: skip


def row(page: Page, subscriber: Subscriber) -> Locator:
    return page.locator(f"#u{short(subscriber.pk)}")


def actions(page: Page, subscriber: Subscriber) -> Locator:
    return page.get_by_role("button", name=f"Actions for {subscriber.broadworks_id}", exact=True)


def test_a_row_follows_without_reload(open_list, freja, busy):
    page = open_list()
    page.evaluate("window.sameDocument = true")

    provision(freja)

    expect(row(page, freja)).to_contain_text("Provisioned")
    expect(row(page, freja)).to_contain_text("new@firma.example")
    expect(row(page, freja)).not_to_contain_text("200042")
    expect(page.locator("#users-ribbon [data-count=provisioned]")).to_have_text("1")
    expect(page.get_by_role("link", name="1 changed, sort again")).to_be_visible()
    assert page.evaluate("window.sameDocument")


def test_an_open_menu_its_focus_and_the_row_outlive_an_update(open_list, freja, busy):
    page = open_list()
    actions(page, freja).press("Enter")
    retry = page.get_by_role("link", name="Retry activation")
    expect(retry).to_be_focused()
    page.keyboard.press("ArrowDown")
    package = page.get_by_role("link", name="Change package type")
    row(page, freja).evaluate("element => { window.oldRow = element; }")

    provision(freja)
    expect(row(page, freja)).to_contain_text("Provisioned")

    expect(retry).to_be_visible()
    expect(package).to_be_focused()
    expect(actions(page, freja)).to_have_attribute("aria-expanded", "true")
    assert row(page, freja).evaluate("element => element === window.oldRow")
    page.keyboard.press("Escape")
    expect(actions(page, freja)).to_be_focused()


def test_what_one_looks_at_does_not_move(open_list, freja, busy, template):
    for _ in range(40):
        factories.make_subscriber(template)
    page = open_list()
    page.get_by_role("searchbox").focus()
    page.evaluate("scrollTo(0, 700)")
    middle = page.locator("tr[data-state]").nth(20)
    before = middle.bounding_box()

    provision(freja)
    expect(row(page, freja)).to_contain_text("Provisioned")

    assert middle.bounding_box() == before
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_selection_in_a_cell_is_left_alone_until_it_is_given_up(open_list, freja, busy):
    page = open_list()
    mail = row(page, freja).locator(".cell-mail")
    mail.evaluate("cell => getSelection().selectAllChildren(cell)")

    with page.expect_response(re.compile("/live/")), page.expect_response(re.compile("/live/")):
        provision(freja)
    page.wait_for_function("!document.querySelector('[aria-busy]')")
    expect(mail).to_contain_text(freja.email)
    page.evaluate("getSelection().removeAllRanges()")

    expect(mail).to_contain_text("new@firma.example")


def test_newcomers_are_announced_and_come_when_asked_for(open_list, freja, busy, template):
    page = open_list()

    newcomer = factories.make_subscriber(template)
    link = page.get_by_role("link", name="1 new user, show")
    expect(link).to_be_visible()
    expect(row(page, newcomer)).to_have_count(0)
    link.click()

    expect(row(page, newcomer)).to_be_visible()
    expect(page.get_by_role("link", name="1 new user, show")).to_have_count(0)


def test_a_deleted_user_stays_in_place_and_says_so(open_list, freja, busy):
    page = open_list()

    change(freja, deleted_at=timezone.now())

    expect(row(page, freja)).to_contain_text("Deleted")


def test_a_lost_poll_is_told_and_so_is_its_return(open_list, freja, busy):
    page = open_list()
    page.context.set_offline(True)
    expect(page.locator("#users-sync")).to_contain_text("Not live")

    page.context.set_offline(False)

    expect(page.locator("#users-sync")).to_contain_text("Synced")


def test_signed_out_the_page_stops_asking_and_keeps_its_rows(open_list, freja, busy):
    page = open_list()
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if "/live/" in request.url else None
    )

    page.context.clear_cookies()
    expect(page.locator("#users-sync")).to_contain_text("you are signed out")
    number = len(asked)
    page.wait_for_timeout(2500)

    assert len(asked) == number
    expect(row(page, freja)).to_contain_text("200042")
    expect(page.locator("#users input[type=password]")).to_have_count(0)


def test_a_retry_closes_its_dialog_and_the_row_says_queued(open_list, freja):
    page = open_list()

    actions(page, freja).click()
    page.get_by_role("link", name="Retry activation").click()
    address = page.get_by_label("Email address", exact=True)
    expect(address).to_have_value(freja.email)
    address.fill("nobody")
    page.get_by_role("button", name="Onboard").click()
    expect(page.get_by_text("An email address has one @")).to_be_visible()
    expect(address).to_have_value("nobody")
    address.fill("freja@noergaard.example")
    page.get_by_role("button", name="Onboard").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, freja)).to_contain_text("Queued")
    expect(page.get_by_role("region", name="Messages")).to_contain_text("Queued")
    expect(actions(page, freja)).to_be_focused()


def test_the_error_text_is_copied_and_the_screen_says_so(open_list, freja):
    page = open_list()

    actions(page, freja).click()
    page.get_by_role("button", name="Copy error text").click()

    expect(page.get_by_role("region", name="Messages")).to_contain_text("Error text copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[:2] == ["Failed validating email", "Code: 200042"]


def test_filters_act_at_once_and_are_in_the_address(open_list, freja, template):
    active = factories.make_subscriber(template)
    page = open_list()

    page.get_by_role("switch", name="Exclude provisioned users").click()
    expect(row(page, active)).to_have_count(0)
    assert page.url.endswith("?exclude_provisioned=on")
    page.get_by_role("searchbox").press_sequentially("freja")
    expect(page).to_have_url(re.compile(r"\?q=freja&exclude_provisioned=on$"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.go_back()
    expect(page).to_have_url(re.compile(r"users/\?exclude_provisioned=on$"))
    page.go_back()

    expect(row(page, active)).to_be_visible()
    expect(page.get_by_role("switch", name="Exclude provisioned users")).not_to_be_checked()


def test_a_status_of_the_ribbon_and_a_header_act_without_reload(open_list, freja, template):
    active = factories.make_subscriber(template)
    page = open_list()
    page.evaluate("window.sameDocument = true")

    page.locator("#users-ribbon").get_by_role("link", name=re.compile("Error")).click()
    expect(row(page, active)).to_have_count(0)
    page.get_by_role("columnheader", name="BroadWorks ID").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"\?status=error&sort=broadworks_id$"))
    page.get_by_role("link", name="Clear filters").click()

    expect(row(page, active)).to_be_visible()
    assert page.evaluate("window.sameDocument")


@LOOKS
def test_axe_finds_nothing(open_list, freja, busy, template, width, scheme):
    factories.make_subscriber(template, "strange", broadworks_id="x" * 150 + "@x.example")
    factories.make_job(busy)
    page = open_list(viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert Axe().run(page).violations_count == 0
    actions(page, freja).click()
    page.wait_for_selector("#row-menu:popover-open")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("link", name="Retry activation").click()
    page.wait_for_selector("dialog[open] form")
    assert Axe().run(page).violations_count == 0


def test_everything_works_without_script(open_list, freja, template):
    active = factories.make_subscriber(template)
    page = open_list(java_script_enabled=False)

    page.get_by_role("switch", name="Exclude provisioned users").click()
    page.get_by_role("button", name="Apply").click()
    expect(row(page, active)).to_have_count(0)
    actions(page, freja).click()
    page.get_by_role("link", name="Delete user").click()
    page.get_by_role("button", name="Delete user").click()

    expect(page.get_by_text("Queued: Freja Nørgaard will be deleted.")).to_be_visible()
    assert Job.objects.get().subscriber == freja
