"""Where every answer of the backend enters our rows, whoever asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, OperationalError, transaction
from psycopg2.errors import DeadlockDetected

from accounts.models import BackendConnection
from provisioning.models import Job, Subscriber
from provisioning.projection import follow_ups, staging
from provisioning.projection.merge_sql import MergeStatements
from provisioning.projection.staging import Answer, StagedAnswer
from provisioning.states import SETTLED, Status
from templates_app.models import OnboardingTemplate

__all__ = ["Answer", "MergeResult", "apply_answer", "apply_answers", "merge_answers"]

#: Other processes may bring in the same subscribers at the same moment, but not for ever.
MAX_TRIES = 4
#: Answers of jobs come in such groups, those of lists in larger ones.
MAX_PREPARED = 32


@dataclass(frozen=True)
class MergeResult:
    """What became of answers: for each its row's id, None where it was left out.

    `unsure` are the places of those of a list that may be older or newer than the row: nothing
    was done with them, the subscriber must be asked by its ID.
    """

    ids: list[int | None]
    unsure: list[int]


@dataclass
class _Merged:
    """What became of some answers, by their places; and what follows."""

    rows: dict[int, int]
    unsure: list[int] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)


def apply_answer(
    connection: BackendConnection, answer: Answer, *, now: datetime
) -> Subscriber | None:
    """Bring one answer into our row, as apply_answers does; return the row."""
    [key] = apply_answers(connection, [answer], now=now)
    return None if key is None else Subscriber.objects.select_related("template").get(pk=key)


def apply_answers(
    connection: BackendConnection, answers: Sequence[Answer], *, now: datetime
) -> list[int | None]:
    """Bring answers into our rows, creating those of subscribers that are new to us.

    Returns the row's id for each, None where it was left out: its provisioning ID belongs to no
    template here, or it tells of a subscriber deleted since. An answer older than what we know
    changes nothing (promise 2), nor is a row written that it does not change. Ends jobs that
    waited for this outcome. The number of statements does not depend on the number of answers.
    """
    return merge_answers(connection, answers, now=now).ids


def merge_answers(
    connection: BackendConnection, answers: Sequence[Answer], *, now: datetime
) -> MergeResult:
    """Do as apply_answers, and say which answers of a list could not be judged."""
    rows: dict[int, int] = {}
    unsure: list[int] = []
    for staged in _without_duplicates(_with_templates(connection, answers)):
        done = _merge_with_retries(connection, staged, now=now)
        rows |= done.rows
        unsure += done.unsure
        _follow_up(staged, done, now=now)
    return MergeResult([rows.get(position) for position in range(len(answers))], sorted(unsure))


def _with_templates(connection: BackendConnection, answers: Sequence[Answer]) -> list[StagedAnswer]:
    """Find the templates; answers that have none here are left out."""
    wanted = {answer.remote.provisioning_id for answer in answers} - {""}
    known = {
        job.template.provisioning_id: job.template_id
        for answer in answers
        if (job := answer.job) and Job.template.is_cached(job)
    }
    if wanted - known.keys():
        templates = OnboardingTemplate.objects.order_by().filter(
            partner_id=connection.partner_id, provisioning_id__in=wanted
        )
        known |= dict(templates.values_list("provisioning_id", "pk"))
    places = enumerate(answers)
    found = ((place, _template_of(answer, known), answer) for place, answer in places)
    return [StagedAnswer(place, key, answer) for place, key, answer in found if key is not None]


def _template_of(answer: Answer, known: dict[str, int]) -> int | None:
    if answer.remote.provisioning_id:
        return known.get(answer.remote.provisioning_id)
    if answer.template is not None:
        return answer.template.pk
    return answer.job.template_id if answer.job else None


def _without_duplicates(staged: list[StagedAnswer]) -> Iterator[list[StagedAnswer]]:
    """Lists in which no subscriber occurs twice: the second time a page names one comes later."""
    if len({one.answer.remote.id for one in staged}) == len(staged):
        yield staged
        return
    rounds: list[list[StagedAnswer]] = []
    times: dict[str, int] = {}
    for one in staged:
        number = times.get(one.answer.remote.id, 0)
        times[one.answer.remote.id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(one)
    yield from rounds


def _merge_with_retries(
    connection: BackendConnection, staged: list[StagedAnswer], *, now: datetime
) -> _Merged:
    for left in reversed(range(MAX_TRIES)):
        try:
            with transaction.atomic():
                return _merge(connection, staged, now=now)
        except IntegrityError:  # another process met a new subscriber at the same moment
            if not left:
                raise
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, DeadlockDetected):
                raise
    raise AssertionError("the last try returns or raises")


def _merge(connection: BackendConnection, staged: list[StagedAnswer], *, now: datetime) -> _Merged:
    """Each subscriber once, in one transaction."""
    staging.stage(staged, now=now)
    statements = MergeStatements(
        connection=connection.pk,
        partner=connection.partner_id,
        now=now,
        are_few=len(staged) <= MAX_PREPARED,
    )
    plan = statements.plan()
    acts = {act for _, _, act in plan}
    if {"write", "confirm"} & acts:
        statements.lock()
    done = _Merged({position: key for position, key, _ in plan})
    if "ask" in acts:
        done.unsure = [position for position, _, act in plan if act == "ask"]
    others = [one.position for one in staged if one.position not in done.rows]
    for position, key, act in statements.plan_others(others) if others else []:
        done.rows[position] = key
        acts.add(act)
    if _may_settle(staged):
        done.jobs = statements.waiting_jobs()
    active = _write(statements, acts, others, done)
    if active:
        follow_ups.lift_admin_first(sorted(active), now=now)
    return done


def _write(
    statements: MergeStatements, acts: set[str], others: list[int], done: _Merged
) -> set[tuple[int, str]]:
    """Write what was planned; returns where somebody is active now."""
    active: set[tuple[int, str]] = set()
    if "confirm" in acts:
        statements.confirm()
    if {"write", "restore"} & acts:
        active |= statements.write()
    if others:
        arrived, too = statements.insert(others)
        done.rows |= arrived
        active |= too
    return active


def _may_settle(staged: list[StagedAnswer]) -> bool:
    """A job's own answers end it where they came in."""
    return any(one.answer.job is None and one.answer.remote.status in SETTLED for one in staged)


def _follow_up(staged: list[StagedAnswer], done: _Merged, *, now: datetime) -> None:
    """What follows from the new states; after they are there, so that no lock waits in a circle.

    Should we die between the two, the next answer or the job itself finds that it is due.
    """
    active = [
        done.rows[one.position]
        for one in staged
        if one.answer.remote.status == Status.PROVISIONED and one.position in done.rows
    ]
    if active:
        follow_ups.finish_runs(active, now=now)
    for job_id in done.jobs:
        follow_ups.settle(job_id, now=now)
