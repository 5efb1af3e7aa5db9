"""Bulk actions that are refused or ask twice: many deletes, old or foreign dialogs, strangers."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import JobState, Status
from tests import factories
from tests.factories import make_job, make_subscriber
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
from userstatus.actions.registry import DELETE, RETRY

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
