"""Counts that the console pages show; nothing here reads all users, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.rights import Right, may
from provisioning import reading
from provisioning.filtering import UNCODED
from provisioning.models.subscribers import NO_ERROR
from provisioning.states import PENDING, Status
from provisioning.tallies import Tally
from templates_app.models import OnboardingTemplate

_ERRORS = f"""
    SELECT template_id, sum(n)::integer FROM provisioning_usercount
     WHERE template_id = ANY(%(templates)s) AND status = '{Status.ERROR}' GROUP BY 1
"""  # noqa: S608 - own words


def templates_with_errors(user: Any) -> list[OnboardingTemplate]:
    """The templates that the person may see, each with `error_count`; two queries.

    Every page of the console asks this, so it is read by SQL that is ready made.
    """
    if not may(user, Right.SEE):
        return []
    condition = "WHERE partner_id = %s ORDER BY id"
    found = reading.rows(OnboardingTemplate, condition, [user.partner_id])
    errors = dict(reading.prepared(_ERRORS, {"templates": [template.pk for template in found]}))
    for template in found:
        template.error_count = errors.get(template.pk, 0)  # type: ignore[attr-defined]
    return found


def by_template_and_status(tallies: Iterable[Tally]) -> dict[int, Counter[str]]:
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


def causes(tallies: Iterable[Tally]) -> list[CauseCount]:
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
