"""The waiting room of answers: a temporary table of this session, filled by COPY.

It is empty again at the end of the transaction.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple
from weakref import WeakSet

from django.db import connection as database
from django.db import transaction

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
    "template_id": "bigint",
    "asked_at": "timestamptz",
    "cause": "text",
    "job_id": "bigint",
    "listed": "boolean",
    "position": "integer",
    "backend_error": "jsonb",
    "webex_id": "text",
}
#: Copied texts first, so that they can be written out together.
_TEXTS = [name for name in COPIED if name not in _TYPES]
_COLUMNS = _OTHERS | dict.fromkeys(_TEXTS, "text") | _TYPES
_EMPTY = "DELETE FROM answer_staged; DELETE FROM answer_plan"
_MAKE = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS answer_staged (
        {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())}
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS answer_plan (
        position integer, row_id bigint, act text
    ) ON COMMIT DELETE ROWS;
    {_EMPTY}
"""
#: Sessions of PostgreSQL that have the tables.
_having: WeakSet[Any] = WeakSet()
#: Control characters that no text begins or ends with; inside of one the first is escaped.
_BETWEEN, _NULL = "\x1f", "\x1e"
_COPY = f"""
    COPY answer_staged ({", ".join(_COLUMNS)})
    FROM STDIN (DELIMITER '{_BETWEEN}', NULL '{_NULL}')
"""
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", _BETWEEN: f"\\{_BETWEEN}"})


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


class StagedAnswer(NamedTuple):
    """An answer that has a template here, and its place among those given."""

    position: int
    template_id: int
    answer: Answer


def stage(staged: Sequence[StagedAnswer], *, now: datetime) -> None:
    """Fill the waiting room with these answers and no others; inside a transaction."""
    lines = io.BytesIO("\n".join(_lines(staged, now + AHEAD)).encode())
    with database.cursor() as cursor:
        session = database.connection
        cursor.execute(_EMPTY if session in _having else _MAKE)
        cursor.copy_expert(_COPY, lines)
    # Not before: should this transaction be undone, the session has no such tables.
    transaction.on_commit(lambda: _having.add(session))


_texts = attrgetter("id", *(COPIED[name] for name in _TEXTS))


def _lines(staged: Sequence[StagedAnswer], latest: datetime) -> Iterator[str]:
    """In the order of the columns."""
    # What answers of one page or job have in common is written once.
    common: tuple[object, ...] = ()
    start = ""
    for position, template_id, answer in staged:
        remote = answer.remote
        changed_at = remote.last_status_change
        if changed_at is not None and changed_at > latest:
            # A time that has not come yet: kept, it would make all that the backend says look old
            # as soon as its clock is right again, and a job would wait for ever.
            changed_at = None
        mine = template_id, answer.asked_at, answer.cause, answer.job, answer.listed
        if mine != common:
            common, start = mine, _start(template_id, answer)
        yield _BETWEEN.join(
            (
                start,
                str(position),
                _error_of(answer, changed_at),
                _written(_texts(remote)),
                "t" if remote.self_activated else "f",
                _moment(remote.created),
                _moment(changed_at),
            )
        )


def _start(template_id: int, answer: Answer) -> str:
    return _BETWEEN.join(
        (
            str(template_id),
            _moment(answer.asked_at),
            answer.cause,
            str(answer.job.pk) if answer.job else _NULL,
            "t" if answer.listed else "f",
        )
    )


@lru_cache(maxsize=1024)
def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else _NULL


def _written(texts: tuple[str, ...]) -> str:
    joined = _BETWEEN.join(texts)
    is_plain = not ("\\" in joined or "\n" in joined or "\r" in joined)
    if is_plain and joined.count(_BETWEEN) == len(texts) - 1:
        return joined
    return _BETWEEN.join(text.translate(_ESCAPED) for text in texts)


def _error_of(answer: Answer, changed_at: datetime | None) -> str:
    """The newest of errors[] as JSON; its time is the backend's, and stays while it stays."""
    if not answer.remote.errors:
        return "{}"
    first = answer.remote.errors[0]
    at = _moment(changed_at or answer.asked_at)
    return f'{_error_words(first.code or "", first.text)}, "at": "{at}"}}'


@lru_cache(maxsize=1024)
def _error_words(code: str, text: str) -> str:
    error = json.dumps({"code": code, "text": text, "tracking_id": ""}, ensure_ascii=False)
    return error.removesuffix("}").translate(_ESCAPED)
