"""Every page: accessible to axe, no script error, no sideways scrolling."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.looks import LOOKS

pytestmark = pytest.mark.browser

PAGES = [
    "/", "/settings/", "/settings/people/", "/account/", "/templates/", "/templates/new/",
    "/templates/{template}/", "/templates/{template}/edit/", "/templates/{template}/users/",
    "/templates/{template}/users/?status=error", "/templates/{template}/users/?q=nobody-has-this",
    "/users/", "/jobs/", "/no-such-page/",
]  # fmt: skip


def violations(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


def scrolls_sideways(page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))


def wide(page) -> str:
    """What reaches beyond the window, for the reader of a failed test."""
    words = page.evaluate(
        "[...document.querySelectorAll('body *')]"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"
        ".map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 80)}`)"
    )
    return f"scrolls sideways: {words[:8]}"


@LOOKS
def test_axe_finds_nothing_on_the_administrators_pages(sign_in, product, width, scheme):
    page = sign_in(viewport={"width": width, "height": 900}, color_scheme=scheme)
    trouble = {}
    for path in PAGES:
        page.goto(path.format(template=product.template("SMB Denmark")["uuid"]))
        found = violations(page)
        if scrolls_sideways(page):
            found.append(wide(page))
        if found:
            trouble[path] = found
    assert trouble == {}


@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_on_the_pages_before_sign_in(open_page, product, width):
    page = open_page(viewport={"width": width, "height": 800})
    trouble = {}
    paths = ["/login/", "/password/reset/", "/dev/mailbox/", "/activate/no-such-key/"]
    for path in [*paths, product.template("SMB Denmark")["activation_url"]]:
        page.goto(path)
        found = violations(page)
        if scrolls_sideways(page):
            found.append(wide(page))
        if found:
            trouble[path] = found
    assert trouble == {}
