"""The dialogs of the bulk actions: who, whom, what is said before, and what a POST does."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from provisioning.bulk import limits
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import JobKind, JobState, Status
from tests import factories
from tests.factories import copy_subscriber, make_job, make_subscriber
from tests.userstatus.pages import words
from userstatus.actions.registry import ACTIONS, BULK_ACTIONS, DELETE, PACKAGE, RETRY
from userstatus.row_keys import short

HTMX = {"HX-Request": "true"}
ORDERS = {"retry": {}, "package": {"package": "premium"}, "delete": {}}
each_action = pytest.mark.parametrize("action", BULK_ACTIONS, ids=lambda action: action.name)


def path(action, template) -> str:
    return reverse(f"userstatus:bulk_{action.name}", args=[template.uuid])


def keys(*users) -> str:
    return ".".join(short(user.pk) for user in users)


def frozen(answer) -> str:
    """What the dialog carries from GET to POST."""
    return unescape(re.search(r'name="frozen" value="([^"]*)"', answer.content.decode())[1])


def ask(browser: Client, action, template, *users):
    return browser.get(path(action, template), {"id": keys(*users)}, headers=HTMX)


def order(browser: Client, action, template, *users) -> dict[str, str]:
    """What the dialog's form sends."""
    return ORDERS[action.name] | {"frozen": frozen(ask(browser, action, template, *users))}


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


@pytest.fixture
def failing(template):
    return [
        make_subscriber(template, Status.ERROR, error_code="200042", minutes_ago=number)
        for number in (1, 2, 3)
    ]


@pytest.fixture
def busy(template):
    return make_subscriber(template, Status.PROVISIONING, broadworks_id="busy@x.example")


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


# ---- Many deletes ----


@pytest.fixture
def crowd(template):
    return [make_subscriber(template) for _ in range(51)]


def test_few_deletes_ask_for_no_number(browser, template, crowd):
    assert "to confirm" not in words(ask(browser, DELETE, template, *crowd[:50]))


@pytest.mark.parametrize("typed", ["", "50", "x", "5 1 0", "-"])
def test_many_deletes_need_their_number(browser, template, crowd, typed):
    dialog = ask(browser, DELETE, template, *crowd)

    answer = browser.post(
        path(DELETE, template), {"frozen": frozen(dialog), "number": typed}, headers=HTMX
    )

    assert "Type 51 to confirm" in words(dialog)
    assert answer.status_code == 422
    assert not JobBatch.objects.exists()


def test_the_number_to_type_is_that_of_the_button(browser, template, crowd):
    crowd.append(make_subscriber(template))
    sent = order(browser, DELETE, template, *crowd)
    make_job(crowd[0], JobState.WAITING)

    again = browser.post(path(DELETE, template), sent | {"number": "5"}, headers=HTMX)

    assert "Type 51 to confirm" in words(again)
    assert "Delete 51 users" in words(again)
    sent = {"frozen": frozen(again), "number": "51"}
    answers = [browser.post(path(DELETE, template), sent, headers=HTMX) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert JobBatch.objects.get().total == 52


def test_the_number_lets_many_deletes_pass(browser, template, crowd):
    sent = order(browser, DELETE, template, *crowd) | {"number": " 51 "}

    assert browser.post(path(DELETE, template), sent, headers=HTMX).status_code == 204
    assert JobBatch.objects.get().total == 51


def test_the_message_of_a_delete_undoes_it(browser, template, failing):
    answer = browser.post(
        path(DELETE, template), order(browser, DELETE, template, *failing), headers=HTMX
    )
    toast = json.loads(answer.headers["HX-Trigger"])["toast"]

    undone = browser.post(toast["undo_url"], headers=HTMX)

    assert 0 < toast["seconds"] <= 10
    assert undone.status_code == 204
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.CANCELLED}


def test_a_delete_says_what_it_means(browser, template, failing):
    dialog = words(ask(browser, DELETE, template, *failing))

    assert "Webex forgets these users" in dialog
    assert "For 10 seconds you and your colleagues can undo it." in dialog


def test_a_retry_warns_of_addresses_that_have_failed(browser, template, failing):
    make_subscriber(template, Status.ERROR, error_code="200050", minutes_ago=9)
    others = Subscriber.objects.filter(error_code="200050")

    assert "3 failed because of their email address" in words(
        ask(browser, RETRY, template, *failing, *others)
    )
    assert "because of" not in words(ask(browser, RETRY, template, *others))


# ---- What cannot be acted on ----


def refused(browser, action, template, text) -> str:
    """The words of a refusal; nothing may have been done."""
    data = ORDERS[action.name] | {"frozen": text}
    answer = browser.post(path(action, template), data, headers=HTMX)
    assert answer.status_code == 422
    assert not JobBatch.objects.exists()
    assert "Nothing was changed" in words(answer)
    assert reverse("userstatus:users", args=[template.uuid]) in answer.content.decode()
    return words(answer)


@pytest.mark.parametrize("text", ["", "x", "a:b:c", "\0", "æøå:ø:å", "." * 300_000])
def test_what_is_not_ours_is_refused(browser, template, failing, text):
    assert "is not what this page made" in refused(browser, RETRY, template, text)


def test_a_changed_selection_is_refused(browser, template, failing):
    text = order(browser, RETRY, template, *failing)["frozen"]
    other = order(browser, RETRY, template, failing[0])["frozen"]
    mixed = ":".join([other.split(":")[0], *text.split(":")[1:]])

    assert "is not what this page made" in refused(browser, RETRY, template, mixed)


def test_an_old_dialog_is_refused(browser, template, failing):
    text = order(browser, RETRY, template, *failing)["frozen"]

    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert "more than an hour ago" in refused(browser, RETRY, template, text)


def test_another_actions_dialog_is_refused(browser, template, failing):
    text = order(browser, RETRY, template, *failing)["frozen"]

    assert "another person, template or action" in refused(browser, DELETE, template, text)


def test_another_persons_dialog_is_refused(browser, client_of, bo, template, failing):
    text = order(browser, RETRY, template, *failing)["frozen"]

    assert "another person" in refused(client_of(bo), RETRY, template, text)


def test_another_templates_dialog_is_refused(browser, partner, template, failing):
    text = order(browser, RETRY, template, *failing)["frozen"]

    assert "another person" in refused(browser, RETRY, factories.make_template(partner), text)


# ---- Who may, and whom ----


@each_action
@pytest.mark.parametrize("method", ["get", "post"])
def test_read_only_is_refused_in_words(client_of, browser, rie, template, failing, action, method):
    sent = order(browser, action, template, *failing)

    answer = getattr(client_of(rie), method)(path(action, template), sent)

    assert answer.status_code == 403
    assert "Read-only" in words(answer)
    assert not JobBatch.objects.exists()


@each_action
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_strangers_template_is_missing(client_of, carla, template, failing, action, method):
    asked = getattr(client_of(carla), method)
    missing = path(action, template).replace(str(template.uuid), str(uuid.uuid4()))

    answers = [asked(url, {"all": "on"}) for url in (path(action, template), missing)]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_ticks_of_other_partners_are_left_out(browser, carla, template, failing):
    other = make_subscriber(factories.make_template(carla.partner), Status.ERROR)

    dialog = words(ask(browser, RETRY, template, failing[0], other))

    assert "This user can be retried." in dialog
    assert other.broadworks_id.partition("@")[0] not in dialog


@each_action
def test_who_went_to_another_template_is_named_not_forgotten(
    browser, partner, template, failing, action
):
    moved = Subscriber.objects.filter(pk=failing[0].pk)
    moved.update(template=factories.make_template(partner))

    dialog = ask(browser, action, template, *failing)

    assert "2 of 3 users can" in words(dialog)
    assert "No longer in this list" in words(dialog)
    assert failing[0].broadworks_id.partition("@")[0] in words(dialog)
    browser.post(path(action, template), ORDERS[action.name] | {"frozen": frozen(dialog)})
    assert not moved.get().jobs.exclude(state=JobState.CANCELLED).exists()


def test_somebody_deleted_meanwhile_is_named_not_forgotten(browser, template, failing):
    Subscriber.objects.filter(pk=failing[0].pk).update(deleted_at=timezone.now())

    assert "2 of 3 users can be retried." in words(ask(browser, RETRY, template, *failing))


def test_the_way_back_is_the_list_one_came_from(browser, template, failing):
    came_from = reverse("userstatus:users", args=[template.uuid]) + "?status=error"

    page = browser.get(
        path(RETRY, template),
        {"id": keys(*failing)},
        headers={"Referer": f"http://testserver{came_from}"},
    )

    assert page.content.decode().count(f'href="{came_from}"') >= 1
