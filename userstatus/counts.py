"""Counts that the console pages show; nothing here reads all users, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from accounts.rights import Right, may
from common import sql
from provisioning.lists.counts import UserSum
from provisioning.lists.filters import UNCODED
from provisioning.models.subscribers import NO_ERROR
from provisioning.states import PENDING, Status
from templates_app.models import OnboardingTemplate


@cache
def _with_errors() -> str:
    return f"""
        SELECT (SELECT coalesce(sum(n), 0)::integer FROM provisioning_usercount
                 WHERE template_id = t.id AND status = '{Status.ERROR}'),
               {sql.select_list(OnboardingTemplate, "t")}
          FROM {OnboardingTemplate._meta.db_table} t
         WHERE t.partner_id = %(partner)s ORDER BY t.id
    """  # noqa: S608 - own words


def templates_with_errors(user: Any) -> list[OnboardingTemplate]:
    """The templates that the person may see, each with `error_count`; one query.

    Every page of the console asks this, so it is read by SQL that is ready made.
    """
    if not may(user, Right.SEE):
        return []
    found = []
    for errors, *values in sql.prepared(_with_errors(), {"partner": user.partner_id}):
        template = sql.instance(OnboardingTemplate, values)
        template.error_count = errors  # type: ignore[attr-defined]
        found.append(template)
    return found


def by_template_and_status(tallies: Iterable[UserSum]) -> dict[int, Counter[str]]:
    """How many live users of each template show each status."""
    found: dict[int, Counter[str]] = {}
    for tally in tallies:
        found.setdefault(tally.template_id, Counter())[tally.status] += tally.n
    return found


@dataclass(frozen=True)
class CauseCount:
    """How many users show one error code, by whether they failed or wait.

    Attributes:
        code: "" for errors that Webex tells in words only.
        oldest: when the one changed last who has been so for the longest time.
    """

    code: str
    failed: int
    waiting: int
    oldest: datetime | None = None

    @property
    def error_key(self) -> str:
        """What the filter of the list calls the error."""
        return self.code or UNCODED


def causes(tallies: Iterable[UserSum]) -> list[CauseCount]:
    """Error codes of users, those with the most users first; `oldest` is not asked yet."""
    failed, waiting = Counter[str](), Counter[str]()
    for tally in tallies:
        if tally.error_key == NO_ERROR:
            continue
        if tally.status == Status.ERROR:
            failed[tally.error_key] += tally.n
        elif tally.status in PENDING:
            waiting[tally.error_key] += tally.n
    codes = {key: "" if key == UNCODED else key for key in {*failed, *waiting}}
    found = [CauseCount(code, failed[key], waiting[key]) for key, code in codes.items()]
    return sorted(found, key=lambda cause: (-cause.failed - cause.waiting, cause.code))
