"""A rehearsal on the running product: from the page to the banner and back."""

from __future__ import annotations

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.looks import LOOKS
from tests.browser.test_pages import scrolls_sideways, violations

pytestmark = pytest.mark.browser

PAGE = "/admin/rehearsal/"
#: Django admin's own breadcrumbs and side bar are not ours to mend.
OURS = "#content-main"


def ours(page: Page) -> list[str]:
    found = Axe().run(page, context=OURS).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


@pytest.fixture(autouse=True)
def _ended(product):
    """Whatever a test leaves running must not be in the way of the next."""
    yield
    token, url = product.demo["simulator_token"], product.demo["simulator_url"]
    headers = {"Authorization": f"Bearer {token}"}
    requests.delete(f"{url}/_control/rehearsal", headers=headers, timeout=10).raise_for_status()


def banner(page: Page):
    return page.locator(".banner")


def test_a_rehearsal_is_started_seen_by_others_and_ended(sign_in, product):
    ops, anna = sign_in(product.demo["operations"]), sign_in()
    anna.goto("/users/")
    ops.goto("/admin/")
    ops.get_by_role("link", name="Rehearsal", exact=True).click()
    expect(banner(ops)).to_have_count(0)
    story = ops.locator(".story").first
    title = story.get_by_role("heading").inner_text()

    story.get_by_role("link", name="Choose").click()
    ops.get_by_label("Partner").select_option(label="Iberfone")
    ops.get_by_label("Pace").fill("0.1")
    ops.get_by_role("button", name="Start the rehearsal").dblclick()
    expect(ops.get_by_role("heading", name="The rehearsal runs")).to_be_visible()
    link = ops.locator("a[href*='/activate/']").inner_text()

    expect(banner(ops)).to_contain_text(f"Rehearsal: {title}")
    # Nobody loaded her list anew: its poll brings the banner.
    expect(banner(anna)).to_contain_text(f"Rehearsal: {title}")
    assert violations(anna) == []
    assert not scrolls_sideways(anna)
    anna.goto("/")
    expect(banner(anna)).to_contain_text(f"Rehearsal: {title}")
    assert violations(anna) == []
    anna.goto(link)
    expect(banner(anna)).to_contain_text("This is a rehearsal.")
    assert violations(anna) == []

    anna.goto("/users/")
    ops.goto(PAGE)
    ops.get_by_role("button", name="End rehearsal").click()
    expect(ops.get_by_text("Nothing: the backend behaves.")).to_be_visible()
    expect(banner(ops)).to_have_count(0)
    expect(banner(anna)).to_have_count(0)


@LOOKS
def test_axe_finds_nothing_on_its_pages(sign_in, product, width, scheme):
    page = sign_in(
        product.demo["operations"],
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    page.goto(PAGE)
    links = [page.locator(s).first.get_attribute("href") for s in (".story .button", ".kinds a")]
    trouble = {}
    for path in [PAGE, *links]:
        page.goto(path)
        found = ours(page)
        if scrolls_sideways(page):
            found.append("scrolls sideways")
        if found:
            trouble[path] = found
    assert trouble == {}


def test_a_fault_is_added_and_stopped_without_a_script(sign_in, product):
    page = sign_in(product.demo["operations"], java_script_enabled=False)
    page.goto(PAGE)
    kind = page.locator(".kinds a").first
    title = kind.inner_text()
    kind.click()
    page.get_by_label("Lasts (seconds)").fill("-1")
    page.get_by_label("Only with this text").fill("nobody-at-all")
    page.get_by_role("button", name="Make it happen").click()
    expect(page.get_by_role("alert")).to_contain_text("Lasts (seconds)")
    expect(page.get_by_label("Only with this text")).to_have_value("nobody-at-all")

    page.get_by_label("Lasts (seconds)").fill("600")
    page.get_by_role("button", name="Make it happen").click()
    expect(page.get_by_text(f"From now on: {title}.")).to_be_visible()
    expect(banner(page)).to_contain_text("Rehearsal: 1 fault")

    page.get_by_role("button", name=f"Stop {title}").click()
    expect(page.get_by_text("That fault is over.")).to_be_visible()
    expect(banner(page)).to_have_count(0)
