"""The waiting room of answers: a temporary table of this session, filled by COPY.

It is empty again at the end of the transaction.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import connection as database

from provisioning.models import Cause, Job
from provisioning.timing import AHEAD
from templates_app.models import OnboardingTemplate
from webex.payloads import RemoteSubscriber

#: Our columns that are copied from an answer as they are.
COPIED = {
    "person_id": "person_id",
    "broadworks_id": "user_id",
    "enterprise_id": "sp_enterprise_id",
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "primary_phone": "primary_phone",
    "mobile_phone": "mobile_phone",
    "extension": "extension",
    "package": "package",
    "self_activated": "self_activated",
    "backend_status": "status",
    "backend_created_at": "created",
    "backend_changed_at": "last_status_change",
}
_TYPES = {
    "self_activated": "boolean",
    "backend_created_at": "timestamptz",
    "backend_changed_at": "timestamptz",
}
#: The others: which answer it is (its place among those given), and what it is about.
_OTHERS = {
    "position": "integer",
    "template_id": "bigint",
    "asked_at": "timestamptz",
    "cause": "text",
    "job_id": "bigint",
    "listed": "boolean",
    "webex_id": "text",
    "backend_error": "jsonb",
}
_COLUMNS = _OTHERS | {name: _TYPES.get(name, "text") for name in COPIED}
_TEXTS = [name for name, kind in _COLUMNS.items() if kind == "text"]
_MAKE = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS answer_staged (
        {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())}
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS answer_plan (
        position integer, row_id bigint, changes boolean
    ) ON COMMIT DELETE ROWS;
    DELETE FROM answer_staged; DELETE FROM answer_plan
"""  # noqa: S608 - own words
# Only a column that is no text may be NULL.
_COPY = f"""
    COPY answer_staged ({", ".join(_COLUMNS)})
    FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({", ".join(_TEXTS)}))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A subscriber as the backend told it, and when we had asked (our clock).

    `template` is the one asked about, for answers that name no provisioning ID. `listed` = it
    stood in a list, where another state of the same time may be the older one.
    """

    remote: RemoteSubscriber
    asked_at: datetime
    cause: Cause = Cause.SYNC
    job: Job | None = None
    template: OnboardingTemplate | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An answer that has a template here, and its place among those given."""

    position: int
    template_id: int
    answer: Answer


def stage(placed: Sequence[Placed], *, now: datetime) -> None:
    """Fill the waiting room with these answers and no others; inside a transaction."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(_rows(placed, now + AHEAD))
    text.seek(0)
    with database.cursor() as cursor:
        # A new session has no such table yet, nor one whose transaction was undone.
        cursor.execute(_MAKE)
        cursor.copy_expert(_COPY, text)


_copied = attrgetter(*COPIED.values())


def _rows(placed: Iterable[Placed], latest: datetime) -> Iterable[tuple[Any, ...]]:
    for one in placed:
        answer = _without_future(one.answer, latest)
        yield (
            one.position,
            one.template_id,
            answer.asked_at,
            answer.cause.value,
            answer.job.pk if answer.job else None,
            answer.listed,
            answer.remote.id,
            _error_of(answer),
            *_copied(answer.remote),
        )


def _without_future(answer: Answer, latest: datetime) -> Answer:
    """Leave out a time that has not come yet: kept, it would make all that the backend says look
    old as soon as its clock is right again, and a job would wait for ever.
    """
    told = answer.remote.last_status_change
    if told is None or told <= latest:
        return answer
    return replace(answer, remote=replace(answer.remote, last_status_change=None))


def _error_of(answer: Answer) -> str:
    """The newest of errors[] as JSON; its time is the backend's, and stays while it stays."""
    if not answer.remote.errors:
        return "{}"
    first = answer.remote.errors[0]
    at = answer.remote.last_status_change or answer.asked_at
    error = {"code": first.code or "", "text": first.text, "tracking_id": "", "at": at.isoformat()}
    return json.dumps(error)
