"""Operations in Django admin, on the running product."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_operations_find_their_way_and_never_see_a_token(sign_in, product):
    page = sign_in(product.demo["operations"])
    page.goto("/admin/")
    for name in (
        "Partners",
        "People",
        "Backend connections",
        "Onboarding templates",
        "Subscribers",
        "Jobs",
        "Audit log",
    ):
        expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()

    page.get_by_role("link", name="Backend connections", exact=True).first.click()
    page.get_by_role("main").get_by_role("link", name="Nordictel").first.click()

    assert product.demo["simulator_tokens"]["Nordictel"] not in page.content()


def test_a_partner_administrator_is_kept_out(sign_in):
    page = sign_in()

    answer = page.goto("/admin/")

    assert answer is not None
    assert answer.status == 403 or "/admin/" not in page.url


def test_the_audit_log_can_only_be_read(sign_in, product):
    page = sign_in(product.demo["operations"])
    page.goto("/admin/accounts/auditevent/")
    expect(page.locator("#content").get_by_role("link", name="Add")).to_have_count(0)

    answer = page.goto("/admin/accounts/auditevent/add/")

    assert answer is not None
    assert answer.status == 403
