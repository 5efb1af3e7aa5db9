from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from provisioning.catalogue import Actor
from provisioning.states import JobKind, JobState, Status
from provisioning.whose_turn import turn_of
from tests.factories import make_job, make_subscriber


def turn(subscriber, job=None):
    return turn_of(subscriber, job=job, now=timezone.now())


@pytest.mark.parametrize(
    ("status", "actor", "sentence"),
    [
        (Status.WAITING_ADDRESS, Actor.USER, "Waiting for Freja to open the activation link"),
        (Status.WAITING_CONFIRMATION, Actor.USER, "Waiting for Freja to open the confirmation"),
        (Status.WAITING_CONSENT, Actor.USER, "Waiting for Freja to agree"),
        (Status.PROVISIONING, Actor.WEBEX, "Webex is working"),
        (Status.UPDATING, Actor.WEBEX, "Webex is working"),
        ("of_tomorrow", Actor.WEBEX, "Webex uses a status that is new to us"),
    ],
)
def test_a_status_waits_for_somebody(template, status, actor, sentence):
    told = turn(make_subscriber(template, status))

    assert told.actor == actor
    assert told.sentence.startswith(sentence)


def test_it_is_nobodys_turn_when_the_user_is_active_or_deleted(template):
    active = make_subscriber(template, Status.PROVISIONED)
    deleted = make_subscriber(template, Status.ERROR, deleted_at=timezone.now())

    assert not turn(active)
    assert not turn(deleted)


def test_an_error_says_who_must_do_what(template):
    told = turn(make_subscriber(template, Status.ERROR, error_code="200042"))

    assert told.actor == Actor.ADMINISTRATOR
    assert (told.before, told.name, told.after) == ("", "You", ": choose another address")


@pytest.mark.parametrize("code", ["200042", "", "999999"])
def test_the_same_error_is_said_in_each_readers_language(template, code):
    user = make_subscriber(template, Status.ERROR, error_code=code, error_text="Odd thing")

    with translation.override("en"):
        english = turn(user).sentence
    with translation.override("da"):
        danish = turn(user).sentence

    assert english.startswith("You: ")
    assert danish.startswith("Du: ")


def test_an_error_goes_before_what_the_status_waits_for(template):
    told = turn(make_subscriber(template, Status.WAITING_ADDRESS, error_code="200042"))

    assert told.actor == Actor.ADMINISTRATOR


@pytest.mark.parametrize(
    ("state", "actor"),
    [
        (JobState.QUEUED, Actor.OPERATIONS),
        (JobState.SENDING, Actor.OPERATIONS),
        (JobState.CHECKING, Actor.OPERATIONS),
        (JobState.WAITING, Actor.WEBEX),
    ],
)
def test_while_a_job_runs_it_is_neither_the_administrators_nor_the_users_turn(
    template, state, actor
):
    failing = make_subscriber(template, Status.ERROR, error_code="200042")

    assert turn(failing, make_job(failing, state)).actor == actor


def test_a_job_that_is_held_back_says_until_when(template):
    failing = make_subscriber(template, Status.ERROR)
    later = timezone.now() + timedelta(minutes=5)

    told = turn(failing, make_job(failing, not_before=later, kind=JobKind.DELETE))

    assert told.sentence == f"Partner Hub sends again at {timezone.localtime(later):%H:%M}"


@pytest.mark.parametrize("name", ["{name}", "{time}", "%(x)s", "", "عمر"])
def test_any_name_can_stand_in_the_sentence(template, name):
    told = turn(make_subscriber(template, Status.WAITING_ADDRESS, first_name=name, last_name=""))

    assert told.name == name or (not name and "@nordictel.example" in told.name)
    assert told.after == " to open the activation link"
