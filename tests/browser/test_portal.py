"""The end user's journeys through the activation portal, on the running product."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 360, "height": 740}}


def enter(page: Page, product, template: str, login: dict) -> None:
    page.goto(product.template(template)["activation_url"])
    page.get_by_label("BroadWorks user ID").fill(login["user_id"])
    page.get_by_label("Password", exact=True).fill(login["password"])
    page.get_by_role("button", name="Sign in").click()


def mail_to(page: Page, address: str) -> str:
    """The confirmation link of the newest mail to an address, from the mailbox."""
    link = page.locator("article").first.locator("a[href*='/confirm/']")
    for _ in range(60):
        page.goto(f"/dev/mailbox/?to={address}")
        if link.count():
            return str(link.first.get_attribute("href"))
        page.wait_for_timeout(500)
    raise AssertionError(f"no mail to {address}")


def test_an_end_user_activates_himself_by_the_link_on_another_device(open_page, product):
    login = product.login("SMB Denmark")
    page = open_page(**PHONE)
    enter(page, product, "SMB Denmark", login)
    page.get_by_label("Email address").fill("freja@firma-one.example")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("freja@firma-one.example")).to_be_visible()

    other = open_page()
    other.goto(mail_to(other, "freja@firma-one.example"))
    other.get_by_role("button", name="Confirm email address").click()

    expect(page.get_by_role("heading", name=re.compile("ready", re.I))).to_be_visible()


def test_a_wrong_password_says_nothing_about_who_exists(open_page, product):
    page = open_page(**PHONE)
    wrong = {"user_id": "nobody@nordictel.example", "password": "guess"}
    enter(page, product, "SMB Denmark", wrong)

    expect(page.get_by_role("alert")).to_contain_text("100006")
    expect(page.get_by_label("BroadWorks user ID")).to_have_value("nobody@nordictel.example")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_a_taken_address_is_refused_in_plain_words_and_the_administrator_sees_it(
    open_page, sign_in, product
):
    login = product.login("SMB Denmark", number=1)
    page = open_page(**PHONE)
    enter(page, product, "SMB Denmark", login)
    page.get_by_label("Email address").fill("taken@other-company.example")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("200039")
    expect(page.get_by_label("Email address")).to_have_value("taken@other-company.example")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()

    admin = sign_in()
    uuid = product.template("SMB Denmark")["uuid"]
    admin.goto(f"/templates/{uuid}/users/?q={login['user_id']}")

    expect(admin.locator("tbody tr")).to_contain_text("200039")


def test_after_delete_user_the_user_can_start_over(open_page, sign_in, product):
    login = product.login("SMB Denmark", number=2)
    admin = sign_in()
    uuid = product.template("SMB Denmark")["uuid"]
    admin.goto(f"/templates/{uuid}/users/?q={login['user_id']}")
    admin.get_by_role("button", name=f"Actions for {login['user_id']}").click()
    admin.get_by_text("Delete user").last.click()
    admin.get_by_role("dialog").get_by_role("button", name="Delete user").click()
    expect(admin.locator("tbody tr")).to_contain_text("Deleted")

    page = open_page(**PHONE)
    enter(page, product, "SMB Denmark", login)

    expect(page.get_by_label("Email address")).to_be_visible()


@pytest.mark.parametrize(
    ("template", "code"),
    [("SMB Denmark", "200050"), ("SMB Denmark", "200018"), ("SMB Denmark", "PH-NOT-INVITED"),
     ("Grandes Empresas", "PH-ADMIN-FIRST")],
)  # fmt: skip
def test_who_may_not_pass_is_told_why_and_whom_to_ask(open_page, product, template, code):
    page = open_page(**PHONE)
    enter(page, product, template, product.login(template, code))

    expect(page.get_by_text(code)).to_be_visible()


def test_the_whole_way_without_javascript_in_danish(open_page, product):
    login = product.login("SMB Denmark", number=3)
    page = open_page(**PHONE, java_script_enabled=False, locale="da-DK")
    page.goto(product.template("SMB Denmark")["activation_url"])
    page.locator("input[name=user_id]").fill(login["user_id"])
    page.locator("input[name=password]").fill(login["password"])
    page.locator("main form button[type=submit]").first.click()
    page.locator("input[name=email]").fill("jonas@firma-two.example")
    page.locator("main form button[type=submit]").first.click()
    sent = page.url

    page.goto(mail_to(page, "jonas@firma-two.example"))
    page.locator("main form button[type=submit]").first.click()

    for _ in range(60):
        page.goto(sent)
        if page.get_by_text("klar", exact=False).count() and "done" in page.url:
            break
        page.wait_for_timeout(1000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("klar")


def test_an_unknown_link_says_what_to_do(open_page, product):
    page = open_page(**PHONE)

    answer = page.goto("/activate/no-such-key/")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_seen_again(open_page, product):
    page = open_page(**PHONE)
    page.clock.install()  # the page's time is ours: nothing below waits for a real second
    enter(page, product, "Pymes España", product.login("Pymes España"))
    page.get_by_label("Email address").fill("lucia@firma-uno.example")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()

    show_tab(page, hidden=True)
    page.wait_for_load_state("networkidle")  # what was on its way
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else "")
    page.clock.run_for(60_000)
    assert asked == []

    with page.expect_request("**/live/sent/**"):
        show_tab(page, hidden=False)


def show_tab(page: Page, *, hidden: bool) -> None:
    """Chromium without a screen never hides a tab by itself."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
