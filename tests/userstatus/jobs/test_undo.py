"""Undoing a delete within its time of grace: who may, where it stands, and what is said."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from provisioning.models import Job
from provisioning.states import JobState, Status
from tests import factories
from tests.userstatus.pages import words

HTMX = {"HX-Request": "true"}


def undo(job):
    return reverse("userstatus:job_undo", args=[job.uuid])


def users(template):
    return reverse("userstatus:users", args=[template.uuid])


def told(answer):
    return json.loads(answer["HX-Trigger"])["toast"]


@pytest.fixture
def freja(template):
    return factories.make_subscriber(template, Status.ERROR, error_code="200042")


@pytest.fixture
def deletion(freja, anna):
    return factories.make_deletion(
        freja, seconds=8, requested_by=anna, requested_label="Anna Kofoed"
    )


def test_whoever_may_act_undoes_what_another_asked_for(deletion, bo, client_of):
    answer = client_of(bo).post(undo(deletion), headers=HTMX)

    deletion.refresh_from_db()
    assert (deletion.state, deletion.cancelled_by) == (JobState.CANCELLED, "Bo Skovgaard")
    assert (answer.status_code, told(answer)["text"]) == (204, "Undone. Freja Nørgaard stays.")


def test_undone_the_user_can_be_acted_on_again(deletion, freja, bo, client_of):
    client = client_of(bo)

    client.post(undo(deletion))

    text = client.get(freja.get_absolute_url()).content.decode()
    assert "Retry activation" in text
    assert "Deleting in" not in text


def test_without_script_it_leads_back_to_the_page_with_the_button(
    deletion, template, bo, client_of
):
    client = client_of(bo)
    page = client.get(users(template)).content.decode()
    assert f'name="next" value="{users(template)}"' in page

    answer = client.post(undo(deletion), {"next": users(template)}, follow=True)

    assert answer.redirect_chain == [(users(template), 302)]
    assert "Undone. Freja Nørgaard stays." in words(answer)


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]
)
def test_no_page_of_others_is_led_back_to(evil, deletion, bo, client_of):
    assert client_of(bo).post(undo(deletion), {"next": evil}).url == deletion.get_absolute_url()


@pytest.mark.parametrize(
    "fields", [{"seconds": -1}, {"seconds": 9, "sends": 1, "state": "waiting"}]
)
def test_too_late_is_said_in_words_and_changes_nothing(fields, freja, bo, client_of):
    job = factories.make_deletion(freja, **fields)
    before = Job.objects.values().get()

    answer = client_of(bo).post(undo(job), headers=HTMX)

    assert (answer.status_code, told(answer)["tone"]) == (422, "bad")
    assert "too late to undo" in told(answer)["text"]
    assert Job.objects.values().get() == before


def test_undoing_twice_says_who_undid_it(deletion, anna, bo, client_of):
    client_of(bo).post(undo(deletion))

    answer = client_of(anna).post(undo(deletion), headers=HTMX)

    assert (answer.status_code, told(answer)["text"]) == (422, "Undone by Bo Skovgaard")
    deletion.refresh_from_db()
    assert deletion.cancelled_by == "Bo Skovgaard"


def test_readers_and_strangers_undo_nothing(deletion, rie, carla, client_of):
    assert client_of(rie).post(undo(deletion)).status_code == 403
    assert client_of(carla).post(undo(deletion)).status_code == 404

    deletion.refresh_from_db()
    assert deletion.state == JobState.QUEUED


@pytest.mark.parametrize("page", ["users", "user", "job"])
def test_the_seconds_left_and_the_way_back_stand_wherever_the_user_does(
    page, deletion, freja, template, bo, client_of
):
    urls = {
        "users": users(template),
        "user": freja.get_absolute_url(),
        "job": deletion.get_absolute_url(),
    }

    answer = client_of(bo).get(urls[page])

    assert "Deleting in 8 s" in words(answer)
    assert 'data-seconds="8"' in answer.content.decode()
    assert f'action="{undo(deletion)}"' in answer.content.decode()


def test_a_reader_sees_the_seconds_and_no_button(deletion, template, rie, client_of):
    answer = client_of(rie).get(users(template))

    assert "Deleting in 8 s" in words(answer)
    assert undo(deletion) not in answer.content.decode()


def test_after_the_time_nothing_offers_to_undo(freja, template, bo, client_of):
    job = factories.make_deletion(freja, seconds=-1)

    for url in (users(template), freja.get_absolute_url(), job.get_absolute_url()):
        text = client_of(bo).get(url).content.decode()
        assert "Deleting in" not in text
        assert undo(job) not in text


@pytest.mark.parametrize("action", ["retry", "package", "delete"])
def test_other_actions_meanwhile_say_who_deletes_and_what_to_do_first(
    action, deletion, freja, bo, client_of
):
    client = client_of(bo)
    url = reverse(f"userstatus:{action}", args=[freja.uuid])
    said = "Is about to be deleted by Anna Kofoed, in 8 s. Undo that first."

    assert said in words(client.get(url))
    assert said in words(
        client.get(reverse("userstatus:user_menu", args=[freja.uuid]), headers=HTMX)
    )


def test_an_action_sent_meanwhile_is_refused_in_the_same_words(deletion, freja, bo, client_of):
    url = reverse("userstatus:retry", args=[freja.uuid])

    answer = client_of(bo).post(url, {"email": "good@address.example"})

    assert answer.status_code == 422
    assert "Is about to be deleted by Anna Kofoed" in words(answer)


def test_the_message_after_a_delete_offers_the_way_back(freja, anna, client_of, settings):
    settings.DELETE_GRACE_SECONDS = 10
    url = reverse("userstatus:delete", args=[freja.uuid])

    answer = client_of(anna).post(url, headers=HTMX)

    toast = told(answer)
    job = Job.objects.get()
    assert toast["text"] == "Deleting Freja Nørgaard in {seconds} s"
    assert (toast["undo_url"], toast["seconds"]) == (undo(job), 10)
