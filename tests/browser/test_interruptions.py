"""What an administrator's browser shows when something comes between click and answer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from provisioning.models import Job, Subscriber
from provisioning.states import Status
from templates_app.models import OnboardingTemplate
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def freja(template: OnboardingTemplate) -> Subscriber:
    return factories.make_subscriber(
        template, Status.ERROR, broadworks_id="freja@x.example", error_code="200042",
        package="standard",
    )  # fmt: skip


def open_dialog(page: Page, item: str) -> None:
    page.get_by_role("button", name="Actions for freja@x.example").click()
    page.get_by_role("link", name=item).click()
    expect(page.locator("dialog[open] form")).to_be_visible()


def test_a_page_older_than_the_sign_in_says_so_and_blames_no_role(open_list, freja):
    page = open_list()
    open_dialog(page, "Retry activation")
    page.get_by_label("Email address").fill("typed@firma.example")

    page.context.clear_cookies(name="csrf")  # as a sign-in in another tab renews it
    page.get_by_role("button", name="Onboard").click()

    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_role("alert")).to_contain_text("older than your sign-in")
    expect(page.get_by_label("Email address")).to_have_value("typed@firma.example")
    assert not Job.objects.exists()


def test_of_choices_the_chosen_one_has_the_focus(open_list, freja):
    page = open_list()

    open_dialog(page, "Change package type")

    expect(page.get_by_role("radio", name="Standard")).to_be_focused()


def test_a_newer_filter_does_not_wait_for_an_older_answer(open_list, template, freja):
    factories.make_subscriber(template, Status.PROVISIONED, broadworks_id="ida@x.example")
    page = open_list()
    held: list[Route] = []
    page.route(re.compile(r"/users/\?status=error$"), lambda route: held.append(route))

    page.locator("#users-ribbon").get_by_role("link", name="Error").click(no_wait_after=True)
    page.get_by_label("Search users").fill("ida")

    expect(page).to_have_url(re.compile(r"/users/\?q=ida$"))
    expect(page.locator("tr[data-state]")).to_have_count(1)
    expect(page.locator("#users")).not_to_have_attribute("aria-busy", "true")
    assert len(held) == 1


def test_compact_rows_stay_compact_whatever_is_filtered(open_list, freja):
    page = open_list()
    page.get_by_role("button", name="Compact rows").click()

    page.locator("#users-ribbon").get_by_role("link", name="Error").click()

    expect(page).to_have_url(re.compile("status=error"))
    expect(page.locator("table.users")).to_have_class(re.compile("compact"))


def test_a_dialog_older_than_the_sign_in_is_sent_by_pressing_again(open_list, freja):
    page = open_list()
    open_dialog(page, "Retry activation")
    page.get_by_label("Email address").fill("typed@firma.example")
    page.context.clear_cookies(name="csrf")  # as a sign-in in another tab renews it
    page.get_by_role("button", name="Onboard").click()
    expect(page.locator("dialog[open]").get_by_role("alert")).to_contain_text("press again")

    page.get_by_role("button", name="Onboard").click()

    expect(page.locator("dialog[open]")).to_have_count(0)
    assert Job.objects.get().params["email"] == "typed@firma.example"


def test_a_dialog_sent_after_the_session_ended_waits_behind_the_sign_in(open_list, anna, freja):
    anna.set_password("a-long-word-of-anna-1")
    page = open_list()
    open_dialog(page, "Retry activation")
    page.get_by_label("Email address").fill("typed@firma.example")
    page.context.clear_cookies(name="session")

    page.get_by_role("button", name="Onboard").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("nothing was done")).to_be_visible()
    assert not Job.objects.exists()
    anna.save()
    page.get_by_label("Email address").fill(anna.email)
    page.get_by_label("Password", exact=True).fill("a-long-word-of-anna-1")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Nothing was sent: you were signed out")).to_be_visible()
    expect(page.get_by_label("Email address")).to_have_value("typed@firma.example")
    page.get_by_role("button", name="Onboard").click()
    expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)
    page.wait_for_load_state()
    assert Job.objects.get().params["email"] == "typed@firma.example"
