"""The dialogs of the bulk actions: who, whom, what is said before, and what a POST does."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse

from provisioning.bulk import limits
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import JobKind, JobState, Status
from tests.factories import copy_subscriber, make_job, make_subscriber
from tests.userstatus.actions.bulk_dialogs import (
    HTMX,
    ORDERS,
    ask,
    each_action,
    frozen,
    keys,
    order,
    path,
)
from tests.userstatus.pages import words
from userstatus.actions.registry import ACTIONS, BULK_ACTIONS, DELETE, PACKAGE, RETRY
from userstatus.row_keys import short

# ---- The list ----


def test_the_bar_has_every_action_that_makes_sense_for_many():
    assert set(BULK_ACTIONS) == {action for action in ACTIONS if action.bulk}


def test_a_row_can_be_ticked_without_script(browser, template, failing):
    page = browser.get(reverse("userstatus:users", args=[template.uuid])).content.decode()

    assert page.count('form="users-bulk" data-tick') == 3
    assert f"Select {failing[0].broadworks_id}" in page
    for action in BULK_ACTIONS:
        assert f'formaction="{path(action, template)}"' in page


def test_who_may_only_look_can_tick_but_only_export(client_of, rie, template, failing):
    page = client_of(rie).get(reverse("userstatus:users", args=[template.uuid])).content.decode()

    assert page.count('form="users-bulk" data-tick') == 3
    assert page.count(">Export selected</span>") == 1
    assert "/bulk/" not in page


def test_in_the_list_of_all_templates_one_can_only_export(browser, failing):
    page = browser.get(reverse("userstatus:all_users")).content.decode()

    assert page.count('form="users-bulk" data-tick') == 3
    assert page.count(">Export selected</span>") == 1
    assert "/bulk/" not in page


def test_the_live_answer_has_the_cells_of_the_page(browser, template, failing):
    page = browser.get(reverse("userstatus:users", args=[template.uuid])).content.decode()
    rows = f"{short(failing[0].pk)}-old"

    live = browser.get(reverse("userstatus:users_live", args=[template.uuid]), {"rows": rows})

    def cells(html):
        row = re.search(rf'<tr id="u{short(failing[0].pk)}".*?</tr>', html, re.DOTALL)[0]
        return re.findall(r'<t[dh] class="([\w-]+)', row)

    assert cells(live.content.decode()) == cells(page)


# ---- The verdict ----


@each_action
def test_the_dialog_says_how_many_can_and_who_cannot(browser, template, failing, busy, action):
    dialog = words(ask(browser, action, template, *failing, busy))

    assert "3 of 4 users" in dialog
    assert "1 is left out:" in dialog
    assert "busy@x.example" in dialog


@each_action
def test_asking_changes_nothing(browser, template, failing, action):
    before = list(Subscriber.objects.values())

    ask(browser, action, template, *failing)

    assert not JobBatch.objects.exists()
    assert not Job.objects.exists()
    assert list(Subscriber.objects.values()) == before


@each_action
def test_the_dialog_is_a_page_without_script(browser, template, failing, action):
    ticked = [("id", short(user.pk)) for user in failing]

    page = browser.get(f"{path(action, template)}?{urlencode(ticked)}")

    assert "<html" in page.content.decode()
    assert "All 3 users can" in words(page)


@each_action
def test_a_long_selection_is_posted(browser, template, failing, action):
    dialog = browser.post(path(action, template), {"id": keys(*failing)}, headers=HTMX)

    assert "All 3 users can" in words(dialog)
    assert not JobBatch.objects.exists()


def test_all_that_match_are_those_of_the_filters_but_for_some(browser, template, failing, busy):
    query = {"all": "on", "status": "error", "not": keys(failing[0])}

    dialog = browser.get(path(RETRY, template), query, headers=HTMX)

    assert "All 2 users can be retried" in words(dialog)
    assert "all that match the status Error" in words(dialog)


def test_when_nobody_can_the_dialog_has_no_button(browser, template, busy):
    dialog = ask(browser, RETRY, template, busy)

    assert "This user cannot be retried." in words(dialog)
    assert "1 is left out" in words(dialog)
    assert 'type="submit"' not in dialog.content.decode()


@pytest.mark.parametrize("data", [{}, {"id": ""}, {"id": "!.-1.zzzzzzzzzzzzz"}, {"all": "yes"}])
def test_a_dialog_about_nobody_says_what_to_do(browser, template, failing, data):
    dialog = browser.get(path(RETRY, template), data, headers=HTMX)

    assert dialog.status_code == 200
    assert "Nobody is selected" in words(dialog)


def test_too_many_that_nobody_counts_are_more_than_the_most(
    browser, template, failing, monkeypatch
):
    monkeypatch.setattr(limits, "MAX_BATCH_USERS", 1)
    data = {"all": "on", "not": keys(failing[0])}

    dialog = browser.get(path(RETRY, template), data, headers=HTMX)

    assert "More than 1 users are selected, and at most 1 can" in words(dialog)
    assert "frozen" not in dialog.content.decode()


@pytest.mark.parametrize("asked", ["all", "ticked"])
def test_too_many_are_asked_to_be_fewer(browser, template, failing, monkeypatch, asked):
    monkeypatch.setattr(limits, "MAX_BATCH_USERS", 2)
    data = {"all": "on"} if asked == "all" else {"id": keys(*failing)}

    dialog = browser.get(path(RETRY, template), data, headers=HTMX)

    assert "3 users are selected, and at most 2" in words(dialog)
    assert 'type="submit"' not in dialog.content.decode()


def test_each_package_says_for_how_many_it_is_new(browser, template, failing):
    Subscriber.objects.filter(pk=failing[0].pk).update(package="basic")

    dialog = ask(browser, PACKAGE, template, *failing)

    text = words(dialog)
    assert "All 3 users can have another package." in text
    assert "Basic 2 users change" in text
    assert "Standard 1 user changes" in text
    assert "Premium 3 users change" in text
    assert "checked" not in dialog.content.decode()


def test_ten_thousand_fit_into_the_form(browser, template, failing, settings):
    copy_subscriber(
        failing[0],
        limits.MAX_BATCH_USERS - len(failing),
        broadworks_id="'many-' || n",
        email="'m' || n || '@x.example'",
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE provisioning_subscriber")  # as autovacuum would have

    dialog = browser.get(path(RETRY, template), {"all": "on"}, headers=HTMX)

    assert "All 10,000 users can be retried." in words(dialog)
    assert len(frozen(dialog)) < 100_000 < settings.DATA_UPLOAD_MAX_MEMORY_SIZE


# ---- Acting ----


@each_action
def test_what_was_shown_is_what_is_done(browser, anna, template, failing, busy, action):
    sent = order(browser, action, template, *failing, busy)
    make_subscriber(template, Status.ERROR)

    answer = browser.post(path(action, template), sent, headers=HTMX)

    batch = JobBatch.objects.get()
    assert (batch.kind, batch.total, batch.requested_by) == (action.kind, 4, anna)
    done = batch.jobs.exclude(state=JobState.CANCELLED)
    assert {job.subscriber for job in done} == set(failing)
    assert batch.jobs.get(state=JobState.CANCELLED).subscriber == busy
    assert batch.params == ORDERS[action.name]
    assert answer.status_code == 204
    events = json.loads(answer.headers["HX-Trigger"])
    assert set(events) == {"close-dialog", "toast", "bulk-queued", "user-changed"}
    said = "Deleting 3 users in {seconds} s" if action is DELETE else "3 users will be"
    assert said in events["toast"]["text"]
    assert events["toast"]["link_url"] == batch.get_absolute_url()


@each_action
def test_without_script_one_sees_the_progress(browser, template, failing, action):
    answer = browser.post(path(action, template), order(browser, action, template, *failing))

    assert answer.headers["Location"] == JobBatch.objects.get().get_absolute_url()


def test_the_filters_are_kept_with_the_batch(browser, template, failing):
    dialog = browser.get(path(RETRY, template), {"all": "on", "error": "200042"}, headers=HTMX)

    browser.post(path(RETRY, template), {"frozen": frozen(dialog)})

    assert JobBatch.objects.get().query == "error=200042"


@each_action
def test_sending_twice_makes_one_batch(browser, template, failing, action):
    sent = order(browser, action, template, *failing)

    answers = [browser.post(path(action, template), sent, headers=HTMX) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert JobBatch.objects.count() == 1
    assert Job.objects.count() == 3
    told = json.loads(answers[1].headers["HX-Trigger"])["toast"]
    assert "Nothing was sent again" in told["text"]
    assert told["link_url"] == JobBatch.objects.get().get_absolute_url()


def test_who_changed_meanwhile_is_skipped(browser, template, failing):
    sent = order(browser, RETRY, template, *failing)
    make_job(failing[0], JobState.WAITING, kind=JobKind.DELETE)

    answer = browser.post(path(RETRY, template), sent, headers=HTMX)

    assert "2 users will be" in json.loads(answer.headers["HX-Trigger"])["toast"]["text"]


def test_when_nobody_is_left_the_dialog_says_so(browser, template, failing):
    sent = order(browser, RETRY, template, failing[0])
    Subscriber.objects.update(status=Status.PROVISIONED, backend_status=Status.PROVISIONED)

    dialog = browser.post(path(RETRY, template), sent, headers=HTMX)

    assert dialog.status_code == 422
    assert "This user cannot be retried." in words(dialog)
    assert 'type="submit"' not in dialog.content.decode()
    assert not JobBatch.objects.exists()


@pytest.mark.parametrize("package", ["", "gold", "\0"])
def test_a_package_must_be_chosen(browser, template, failing, package):
    sent = order(browser, PACKAGE, template, *failing) | {"package": package}

    dialog = browser.post(path(PACKAGE, template), sent, headers=HTMX)

    assert dialog.status_code == 422
    assert "Choose one of the packages." in words(dialog)
    assert frozen(dialog) == sent["frozen"]


def test_a_package_that_all_have_is_refused(browser, template, failing):
    sent = order(browser, PACKAGE, template, *failing) | {"package": "standard"}

    assert browser.post(path(PACKAGE, template), sent, headers=HTMX).status_code == 422
    assert not JobBatch.objects.exists()
