"""Database and states.TRANSITIONS agree on every change of a job, and each is written down."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.models import Job, JobEvent
from provisioning.states import FINAL, TRANSITIONS, UNFINISHED, JobState, Status
from tests.factories import make_job, make_subscriber

PAIRS = list(itertools.product(JobState, JobState))


def fitting(state: str) -> dict[str, Any]:
    """What the other columns must say in a state, so that only the change itself is judged."""
    leased = state == JobState.SENDING
    return {
        "state": state,
        "finished_at": timezone.now() if state in FINAL else None,
        "lease_token": uuid.uuid4() if leased else None,
        "lease_until": timezone.now() if leased else None,
        "intent_at": timezone.now(),
        "intent_hash": "0" * 64,
        "sends": 1,
    }


def change(job: Job, state: str) -> str:
    """The name of the rule that refused the change, or "" when it was made."""
    try:
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(**fitting(state))
    except IntegrityError as error:
        return str(error.__cause__.diag.constraint_name)
    return ""


@pytest.fixture
def row(template):
    return make_subscriber(template, Status.ERROR)


def test_there_are_49_pairs_and_final_states_have_no_way_on():
    assert len(PAIRS) == 49
    assert set(JobState) == UNFINISHED | FINAL
    assert set(TRANSITIONS) == UNFINISHED


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_database_allows_what_the_table_allows_and_no_more(row, before, after):
    job = make_job(row, **fitting(before))
    legal = before == after or after in TRANSITIONS.get(before, frozenset())

    assert change(job, after) == ("" if legal else "job_state")

    job.refresh_from_db()
    assert job.state == (after if legal else before)
    written = [(event.before, event.after) for event in JobEvent.objects.all()]
    assert written == ([(before, after)] if legal and before != after else [])


def test_a_born_job_has_no_history_and_a_change_of_something_else_writes_none(row):
    job = make_job(row)
    Job.objects.filter(pk=job.pk).update(polls=3, result_text="Webex cannot be reached")

    assert not JobEvent.objects.exists()


def test_the_history_keeps_why_and_how_often_it_was_sent(row):
    job = make_job(row, **fitting(JobState.SENDING))
    Job.objects.filter(pk=job.pk).update(
        state=JobState.CHECKING, lease_until=None, result_text="the answer did not arrive" * 20
    )

    event = JobEvent.objects.get()
    assert (event.job_id, event.sends, len(event.reason)) == (job.pk, 1, 200)
    assert event.reason.startswith("the answer did not arrive")


def test_one_statement_writes_a_line_for_each_job_that_it_changed(template):
    jobs = [make_job(make_subscriber(template, Status.ERROR)) for _ in range(3)]
    Job.objects.filter(pk__in=[job.pk for job in jobs[:2]]).update(
        state=JobState.CANCELLED, finished_at=timezone.now()
    )

    assert set(JobEvent.objects.values_list("job_id", "after")) == {
        (job.pk, JobState.CANCELLED) for job in jobs[:2]
    }


def test_of_many_changes_at_once_one_illegal_one_stops_all(template):
    fine = make_job(make_subscriber(template, Status.ERROR))
    over = make_job(make_subscriber(template, Status.ERROR), JobState.DONE)

    with pytest.raises(IntegrityError, match="not a legal change"), transaction.atomic():
        Job.objects.filter(pk__in=[fine.pk, over.pk]).update(
            state=JobState.CANCELLED, finished_at=timezone.now()
        )

    fine.refresh_from_db()
    assert fine.state == JobState.QUEUED
    assert not JobEvent.objects.exists()
