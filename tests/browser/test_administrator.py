"""The partner administrator's journeys, on the running product."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
FIRST = "SMB Denmark"


def users_of(page: Page, product, name: str = FIRST, query: str = "") -> None:
    page.goto(f"/templates/{product.template(name)['uuid']}/users/{query}")


def row_of(page: Page, broadworks_id: str):
    return page.locator("tbody tr").filter(has_text=broadworks_id.partition("@")[0])


def first_id(page: Page, number: int = 0) -> str:
    name = page.get_by_role("button", name=re.compile("^Actions for ")).nth(number)
    return str(name.get_attribute("aria-label")).removeprefix("Actions for ")


def open_menu(page: Page, broadworks_id: str) -> None:
    page.get_by_role("button", name=f"Actions for {broadworks_id}").click()


def test_from_sign_in_to_the_users_of_a_template(open_page, product):
    page = open_page()
    page.goto("/")
    page.get_by_label("Email address").fill("anna@nordictel.example")
    page.get_by_label("Password", exact=True).fill(product.demo["password"])
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="Settings").first.click()
    expect(page.get_by_role("heading", name="BroadWorks Calling")).to_be_visible()
    page.get_by_role("link", name="View templates").click()
    page.get_by_role("main").get_by_role("link", name=FIRST, exact=True).click()
    expect(page.get_by_role("heading", name="User verification")).to_be_visible()
    expect(page.get_by_text("Untrusted emails").first).to_be_visible()
    page.get_by_role("link", name="Show user status").click()

    expect(page.get_by_role("heading", name="User status")).to_be_visible()
    for column in (
        "BroadWorks ID",
        "Name",
        "Email address",
        "Package type",
        "Status",
        "Error",
        "Last change",
    ):
        expect(page.get_by_role("columnheader", name=column)).to_be_visible()


def test_the_readiness_check_says_what_is_wrong_and_mends_it(sign_in, product):
    page = sign_in()
    page.goto(f"/templates/{product.template('Hotels 2026')['uuid']}/")
    expect(page.get_by_text("SMB Denmark").locator("visible=true").first).to_be_visible()

    page.get_by_role("button", name="Mend it").click()

    expect(page.get_by_role("button", name="Mend it")).to_have_count(0)
    link = product.template("Hotels 2026")["activation_url"]
    expect(page.get_by_label("Share link")).to_have_value(link)


def test_a_retry_with_a_good_address_ends_in_provisioned_without_reload(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?status=error")
    user = first_id(page)
    page.evaluate("window.stillHere = true")
    open_menu(page, user)
    page.get_by_role("menuitem", name="Retry activation").or_(
        page.get_by_role("link", name="Retry activation")
    ).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Email address")).not_to_have_value("")
    dialog.get_by_label("Email address").fill("a.good.one@customer.example")

    dialog.get_by_role("button", name="Onboard").click()

    expect(dialog).to_be_hidden()
    expect(row_of(page, user)).to_contain_text(re.compile("Queued|Sending|working|Provision"))
    expect(row_of(page, user)).to_contain_text("Provisioned")
    assert page.evaluate("window.stillHere") is True


def test_a_refused_address_leaves_code_and_cause_on_the_row(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?status=error")
    user = first_id(page, 1)
    open_menu(page, user)
    page.get_by_text("Retry activation").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email address").fill("taken@other-company.example")
    dialog.get_by_role("button", name="Onboard").click()
    expect(dialog).to_be_hidden()

    expect(row_of(page, user)).to_contain_text("200039")
    expect(row_of(page, user)).to_contain_text("another organisation")


def test_a_bad_address_is_refused_beside_the_field_and_kept(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?status=error")
    open_menu(page, first_id(page))
    page.get_by_text("Retry activation").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email address").fill("two@@signs")

    dialog.get_by_role("button", name="Onboard").click()

    expect(dialog.get_by_label("Email address")).to_have_value("two@@signs")
    expect(dialog.get_by_label("Email address")).to_have_attribute("aria-invalid", "true")


def test_delete_says_what_will_happen_and_the_user_leaves_the_list(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?status=error")
    user = first_id(page, 2)
    open_menu(page, user)
    page.get_by_text("Delete user").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("start over")

    dialog.get_by_role("button", name="Delete user").click()

    expect(dialog).to_be_hidden()
    expect(row_of(page, user)).to_contain_text(re.compile("Deleted"))


def test_a_package_changes_through_updating(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?status=provisioned&package=standard")
    user = first_id(page)
    open_menu(page, user)
    page.get_by_text("Change package type").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Premium").check()
    dialog.get_by_role("button", name=re.compile("Change")).last.click()

    expect(row_of(page, user)).to_contain_text("Premium")
    expect(row_of(page, user)).to_contain_text("Provisioned")


def test_the_error_text_is_copied_and_the_screen_says_so(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?error=200054")
    open_menu(page, first_id(page))

    page.get_by_text("Copy error text").last.click()

    expect(page.get_by_text(re.compile("copied")).first).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "200054" in copied
    assert "region" in copied


def test_search_filters_and_order_live_in_the_address(sign_in, product):
    page = sign_in()
    users_of(page, product)
    page.get_by_role("searchbox").fill("nørgaard")
    page.get_by_role("searchbox").press("Enter")
    expect(page).to_have_url(re.compile(r"q=n%C3%B8rgaard"))
    expect(page.locator("tbody tr").first).to_contain_text("Nørgaard")

    users_of(page, product)
    page.get_by_role("switch", name="Exclude provisioned users").click()
    expect(page).to_have_url(re.compile("exclude_provisioned=on"))
    expect(page.locator("tbody").get_by_text("Provisioned", exact=True)).to_have_count(0)

    page.reload()
    expect(page.get_by_role("switch", name="Exclude provisioned users")).to_be_checked()
    page.get_by_role("columnheader", name="BroadWorks ID").get_by_role("link").click()
    expect(page).to_have_url(re.compile("sort=broadworks_id"))


def test_the_export_gives_the_csv_of_the_screen(sign_in, product):
    page = sign_in()
    users_of(page, product, query="?status=error&sort=broadworks_id")

    with page.expect_download() as download:
        page.get_by_role("button", name="Export").or_(
            page.get_by_role("link", name="Export")
        ).click()

    raw = download.value.path().read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert {row["Status"] for row in rows} == {"Error"}
    ids = [row["BroadWorks ID"] for row in rows]
    assert ids == sorted(ids)


def test_a_read_only_administrator_sees_and_cannot_act(sign_in, product):
    page = sign_in("rie@nordictel.example")
    users_of(page, product, query="?status=error")
    open_menu(page, first_id(page))

    expect(page.get_by_text("Copy error text").last).to_be_visible()
    expect(page.get_by_text("Retry activation")).to_have_count(0)


def test_another_partners_template_is_not_found(sign_in, product):
    page = sign_in("carla@iberfone.example")

    users_of(page, product)

    expect(page.get_by_role("heading", level=1)).not_to_have_text("User status")
    assert "Nordictel" not in page.content()


def test_the_same_in_danish(sign_in, product):
    page = sign_in(locale="da-DK")
    page.goto("/settings/")
    page.get_by_role("link", name="Vis skabeloner").click()
    page.get_by_role("main").get_by_role("link", name=FIRST, exact=True).click()
    expect(page.get_by_role("heading", name="Brugerbekræftelse")).to_be_visible()
    page.get_by_role("link", name="Vis brugerstatus").click()
    expect(page.get_by_role("switch", name="Udeluk klargjorte brugere")).to_be_visible()
    page.goto(page.url + "?status=error")
    page.locator("tbody [data-menu]").nth(3).click()
    for words in ("Skift pakketype", "Kopier fejltekst", "Slet bruger"):
        expect(page.get_by_text(words).last).to_be_visible()
    page.get_by_text("Prøv aktivering igen").last.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=email]").fill("god.adresse@kunde.example")
    dialog.get_by_role("button", name="Onboard").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("tbody")).to_contain_text("Klargjort")
