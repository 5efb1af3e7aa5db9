"""The checker: it must see what it is there to see."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from chaos import checker
from chaos.history import Entry, History
from provisioning.models import Job
from tests import factories

RIGHT = {name: {"count": 0, "items": []} for name in checker.WRONG}


@pytest.fixture
def history(tmp_path):
    found = History(tmp_path / "history.jsonl")
    yield found
    found.close()


@pytest.fixture
def job(template, history) -> Job:
    """A retry that a client asked for, and that is done."""
    return _asked(template, history)


def _asked(template, history: History, state: str = "done", outcome: str = "accepted", **fields):
    row = factories.make_subscriber(template)
    began = timezone.now() - timedelta(seconds=60)
    job = factories.make_job(row, state, now=began, submission_id=uuid.uuid4(), **fields)
    accepted = str(job.uuid) if outcome == "accepted" else ""
    submission = str(job.submission_id)
    history.add(Entry(0.0, 0.1, outcome, "retry", row.broadworks_id, submission, accepted))
    return job


def effect(job: Job, operation: str = "provision", seconds: float = 1.0) -> dict[str, object]:
    at = (job.created_at + timedelta(seconds=seconds)).isoformat()
    return {"operation": operation, "effect": True, "user_id": job.broadworks_id, "at": at}


def check(history: History, *log: dict[str, object], **wrong: int):
    verdict = RIGHT | {name: {"count": count, "items": []} for name, count in wrong.items()}
    return checker.check(history, log, verdict)


def test_one_effect_for_an_action_is_right(job, history):
    findings = check(history, effect(job))

    assert (findings.actions, findings.lost, findings.doubled) == (1, 0, 0)
    assert findings.problems == findings.doubles == []


def test_an_acknowledged_action_without_a_job_is_lost(job, history):
    history.add(Entry(0.0, 0.1, "accepted", "delete", "u", str(uuid.uuid4()), str(uuid.uuid4())))

    findings = check(history, effect(job))

    assert findings.lost == 1
    assert findings.problems == ["delete of u: acknowledged, no job"]


def test_an_unfinished_job_is_lost(template, history):
    _asked(template, history, "queued")

    assert check(history).lost == 1


def test_done_without_an_effect_is_lost(job, history):
    findings = check(history)

    assert findings.lost == 1
    assert "done, without any effect" in findings.problems[0]


def test_two_effects_are_one_too_many(job, history):
    findings = check(history, effect(job), effect(job, seconds=2))

    assert findings.doubled == 1
    assert len(findings.doubles) == 1


def test_an_effect_of_another_kind_is_wrong(job, history):
    assert "also remove" in check(history, effect(job), effect(job, "remove")).problems[0]


def test_a_retry_by_two_requests_has_two_effects(template, history):
    job = _asked(template, history, params={"webex_id": "w"})
    assert "also remove" in check(history, effect(job), effect(job, "remove")).problems[0]

    type(job.connection).objects.update(retry_by="delete_then_post")

    assert check(history, effect(job), effect(job, "remove")).problems == []
    assert check(history, effect(job), *[effect(job, "remove")] * 2).doubled == 1


def test_an_effect_before_anybody_asked_is_wrong(job, history):
    assert "no job asked" in check(history, effect(job), effect(job, seconds=-1)).problems[0]


def test_a_cancelled_action_must_have_no_effect(template, history):
    job = _asked(template, history, "cancelled")

    assert "it had an effect all the same" in check(history, effect(job)).problems[0]
    assert check(history).problems == []


def test_a_job_that_nobody_asked_for_is_wrong(job, history, template):
    factories.make_job(factories.make_subscriber(template), "failed", submission_id=uuid.uuid4())

    assert "nobody asked for it" in check(history, effect(job)).problems[0]


def test_a_job_whose_client_never_had_an_answer_may_be_there_or_not(template, history):
    job = _asked(template, history, outcome="unclear")
    history.add(Entry(0.0, 0.1, "unclear", "retry", "u", str(uuid.uuid4())))

    findings = check(history, effect(job))

    assert (findings.actions, findings.problems) == (0, [])


@pytest.mark.parametrize("name", ["overlaps", "early"])
def test_the_backend_s_own_judge_counts(job, history, name):
    assert check(history, effect(job), **{name: 2}).problems == [f"the backend's judge: 2 {name}"]


def test_a_key_doubled_at_the_backend_counts_as_doubled(job, history):
    assert check(history, effect(job), doubled=3).doubled == 3
