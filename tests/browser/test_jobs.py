"""Jobs and batches in a browser while they change underneath, and the time of grace of a delete."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from provisioning.models import Heartbeat, Job, JobBatch, Subscriber
from provisioning.states import JobState, Status
from templates_app.models import OnboardingTemplate
from tests import factories
from tests.browser.looks import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _worker(db):
    Heartbeat.objects.create(name="worker", at=timezone.now())


@pytest.fixture
def freja(template: OnboardingTemplate) -> Subscriber:
    return factories.make_subscriber(
        template, Status.ERROR, broadworks_id="freja@x.example", minutes_ago=1
    )


@pytest.fixture
def batch(template: OnboardingTemplate, anna: User) -> JobBatch:
    """Six that are left, all let go."""
    found = factories.make_batch(template, total=6, requested_by=anna, released_at=timezone.now())
    for _number in range(6):
        row = factories.make_subscriber(template, Status.ERROR)
        factories.make_job(row, batch=found, priority=Job.Priority.BATCH)
    return found


def touch(subscriber: Subscriber) -> None:
    Subscriber.objects.filter(pk=subscriber.pk).update(version=F("version") + 1)


def delete(page: Page) -> None:
    page.get_by_role("button", name="Actions for freja@x.example").click()
    page.get_by_role("link", name="Delete user").click()
    page.get_by_role("button", name="Delete user").click()


def test_a_delete_counts_down_and_is_undone_from_the_message(open_list, freja, settings):
    settings.DELETE_GRACE_SECONDS = 60
    page = open_list()

    delete(page)

    toast = page.locator(".toast")
    expect(toast).to_contain_text("Deleting Freja Nørgaard in")
    row = page.get_by_role("row", name="freja")
    expect(row).to_contain_text("Deleting in")
    first = int(row.locator("[data-seconds]").text_content() or 0)
    expect(row.locator("[data-seconds]")).not_to_have_text(str(first))
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone. Freja Nørgaard stays.").first).to_be_visible()
    expect(row).not_to_contain_text("Deleting in")
    assert Job.objects.get().state == JobState.CANCELLED


def test_another_tab_shows_the_time_and_undoes_it(open_list, freja, settings):
    settings.DELETE_GRACE_SECONDS = 60
    first = open_list()
    second = first.context.new_page()
    second.goto(first.url)

    delete(first)
    row = second.get_by_role("row", name="freja")
    row.get_by_role("button", name="Undo").click()

    expect(row).not_to_contain_text("Deleting in")
    expect(first.get_by_role("row", name="freja")).not_to_contain_text("Deleting in")
    expect(first.locator(".toast").filter(has_text="Deleting")).to_have_count(0)
    assert Job.objects.get().state == JobState.CANCELLED


def test_when_the_time_is_over_the_way_back_goes(open_list, freja):
    factories.make_deletion(freja, seconds=3)
    page = open_list()
    row = page.get_by_role("row", name="freja")
    expect(row.get_by_role("button", name="Undo")).to_be_visible()

    expect(row.get_by_text("Deleting now")).to_be_visible()

    expect(row.get_by_role("button", name="Undo")).to_be_hidden()


def test_without_script_a_plain_button_undoes(open_list, freja):
    job = factories.make_deletion(freja, seconds=60)
    page = open_list(java_script_enabled=False)

    page.goto(freja.get_absolute_url())
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_text("Undone. Freja Nørgaard stays.")).to_be_visible()
    assert page.url.endswith(freja.get_absolute_url())
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_batch_counts_on_and_its_rows_stay_where_they_are(open_list, batch):
    page = open_list()
    page.goto(batch.get_absolute_url())
    rows = page.locator("#batch-results tbody tr")
    expect(rows).to_have_count(6)
    names = rows.locator("th").all_text_contents()
    first, second, *_others = batch.jobs.order_by("pk")

    factories.move_job(first, JobState.DONE)
    factories.move_job(second, JobState.FAILED, result_code="200042")

    expect(page.locator("#n-done")).to_contain_text("1")
    expect(page.locator("#n-failed")).to_contain_text("1")
    expect(rows.nth(0)).to_contain_text("Done")
    expect(rows.nth(1)).to_contain_text("Address already linked")
    assert rows.locator("th").all_text_contents() == names


def test_an_update_takes_neither_focus_nor_selection(open_list, batch):
    page = open_list()
    page.goto(batch.get_absolute_url())
    cancel = page.get_by_role("button", name="Cancel the other 6")
    cancel.focus()
    row = page.locator("#batch-results tbody tr").nth(0)
    row.locator("td").nth(0).evaluate("cell => getSelection().selectAllChildren(cell)")

    factories.move_job(batch.jobs.order_by("pk")[0], JobState.DONE)

    expect(page.locator("#n-done")).to_contain_text("1")
    expect(cancel).to_be_focused()
    assert page.evaluate("String(getSelection())").strip() == "Queued"
    page.evaluate("getSelection().removeAllRanges()")
    page.locator("h1").click()
    expect(row).to_contain_text("Done")
    expect(page.get_by_role("button", name="Cancel the other 5")).to_be_visible()


def test_the_list_follows_and_says_that_there_is_something_newer(open_list, batch, freja):
    page = open_list()
    page.goto("/jobs/")
    expect(page.get_by_text("6 left")).to_be_visible()

    factories.move_job(batch.jobs.order_by("pk")[0], JobState.DONE)
    factories.make_job(freja)

    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    page.get_by_role("link", name="one newer, show it").click()
    expect(page.get_by_role("row", name="freja@x.example")).to_be_visible()


def test_a_page_that_lost_the_server_says_so_and_goes_on(open_list, batch):
    page = open_list()
    page.goto(batch.get_absolute_url())
    page.route("**/jobs/**", lambda route: route.abort())
    expect(page.get_by_text("No connection: the page goes on by itself")).to_be_visible()

    page.unroute("**/jobs/**")
    factories.move_job(batch.jobs.order_by("pk")[0], JobState.DONE)

    expect(page.get_by_text("No connection")).to_be_hidden()
    expect(page.locator("#n-done")).to_contain_text("1")


@LOOKS
def test_a_batch_and_the_list_are_accessible(scheme, width, open_list, template, batch, freja):
    now = timezone.now()
    JobBatch.objects.update(paused_at=now, pause_code="200042")
    factories.move_job(batch.jobs.order_by("pk")[0], JobState.FAILED, result_code="200042")
    until = now + timedelta(minutes=5)
    factories.make_batch(template, total=3, kind="delete", undo_until=until)
    factories.make_deletion(freja)
    page = open_list(viewport={"width": width, "height": 900}, color_scheme=scheme)

    for url in ("/jobs/", batch.get_absolute_url(), freja.get_absolute_url()):
        page.goto(url)
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
