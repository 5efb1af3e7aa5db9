"""Judging many users at once by the rule of one (jobs/eligibility.py): two or three queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.access import check_right
from accounts.audit import Actor
from common.sql import Among
from provisioning import codes, selectors
from provisioning.bulk import limits
from provisioning.jobs import eligibility
from provisioning.jobs.eligibility import ActionRefused
from provisioning.kinds import Given, kind_of
from provisioning.models import Subscriber
from templates_app.models import OnboardingTemplate

#: BroadWorks IDs named for each reason.
MAX_EXAMPLES = 5


class UserFacts(NamedTuple):
    """The columns of a subscriber that judging reads."""

    id: int
    template_id: int
    enterprise_id: str
    broadworks_id: str
    status: str
    deleted_at: datetime | None
    webex_id: str | None
    email: str
    package: str


class JudgedUser(NamedTuple):
    """A user with the verdict.

    Attributes:
        code: why nothing can be done (codes.SKIP_…), or "".
        params: of the job, beside those that are copied from the user's row (Kind.copied).
    """

    user: UserFacts
    code: str
    params: dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """Why some users are left out: the code, how many, and up to five of their BroadWorks IDs."""

    code: str
    count: int
    examples: list[str]


@dataclass(frozen=True)
class Preview:
    """What a batch would do if it were accepted now."""

    kind: str
    able: int
    refused: list[Refusal]
    total: int


def preview(
    template: OnboardingTemplate,
    kind: str,
    ids: Sequence[int],
    *,
    params: Given,
    actor: Actor,
) -> Preview:
    """Judge the users as they are now; nothing is held or stored.

    `params` is what is the same for all: {"package": …} for a change of package, else {}.

    Raises:
        ActionRefused: too_many, or what is asked for is nothing that we can do.
        PermissionDenied: the actor may not act here, or one of the users is not the partner's.
    """
    check(template, kind, ids, params=params, actor=actor)
    rows = judge(template, kind, ids, params=params)
    refused = summary(rows)
    able = len(rows) - sum(refusal.count for refusal in refused)
    return Preview(kind, able, refused, len(rows))


def check(
    template: OnboardingTemplate,
    kind: str,
    ids: Sequence[int],
    *,
    params: Given,
    actor: Actor,
) -> None:
    """Check what is asked for as a whole, and who asks.

    Raises:
        ActionRefused, PermissionDenied: as `preview`.
    """
    rules = kind_of(kind)
    check_right(actor, rules.right, template.partner_id)
    if len(set(ids)) > limits.MAX_BATCH_USERS:
        message = _("At most %(most)s users can be chosen at once.")
        raise ActionRefused("too_many", message % {"most": f"{limits.MAX_BATCH_USERS:,}"})
    if not rules.is_for_many:
        raise ActionRefused("unknown_kind", _("This cannot be done to many users at once."))
    eligibility.check_given(kind, params)


def judge(
    template: OnboardingTemplate,
    kind: str,
    ids: Sequence[int],
    *,
    params: Given,
    hold: bool = False,
) -> list[JudgedUser]:
    """Judge each user, in the order of `ids`; `hold` keeps their rows until the transaction ends.

    Raises:
        PermissionDenied: one of the users is not the partner's, or does not exist.
    """
    users = _users(template, ids, hold=hold)
    busy = selectors.busy_among([user.id for user in users])
    firsts = _firsts(template, users) if kind_of(kind).activates else {}
    return list(_verdicts(template, kind, users, params, _OtherRows(busy, firsts)))


class _OtherRows(NamedTuple):
    """What other rows say: who is busy, and who comes first in each enterprise, if it matters."""

    busy: set[int]
    firsts: dict[str, int]


def _users(template: OnboardingTemplate, ids: Sequence[int], *, hold: bool) -> list[UserFacts]:
    wanted = list(dict.fromkeys(ids))
    # In the order of their ids, as everybody locks who locks several.
    rows = Subscriber.objects.filter(
        pk__in=Among.of(wanted), partner_id=template.partner_id
    ).order_by("pk")
    if hold:
        rows = rows.select_for_update(no_key=True)
    found = {values[0]: UserFacts._make(values) for values in rows.values_list(*UserFacts._fields)}
    if len(found) != len(wanted):
        raise PermissionDenied
    return [found[pk] for pk in wanted]


def _firsts(template: OnboardingTemplate, users: Sequence[UserFacts]) -> dict[str, int]:
    if not template.provision_admin_first:
        return {}
    first = selectors.firsts_in_line(template, {user.enterprise_id for user in users})
    return dict(first.values_list("enterprise_id", "pk"))


def _verdicts(
    template: OnboardingTemplate,
    kind: str,
    users: Sequence[UserFacts],
    params: Given,
    known: _OtherRows,
) -> Iterator[JudgedUser]:
    """Twins share one unfinished job: the second of them is busy with the first."""
    rules = kind_of(kind)
    taken: set[tuple[str, str]] = set()
    for user in users:
        key = (user.enterprise_id, user.broadworks_id)
        is_busy = user.id in known.busy or key in taken
        orders = rules.params(user, template, params)
        code = _code(template, kind, user, params, is_busy=is_busy)
        if rules.activates and not code:
            code = eligibility.judge_turn(user.id, known.firsts.get(user.enterprise_id))
            code = code or ("" if orders["email"] else codes.SKIP_NO_ADDRESS)
        if not code:
            taken.add(key)
        yield JudgedUser(user, code, orders)


def _code(
    template: OnboardingTemplate, kind: str, user: UserFacts, params: Given, *, is_busy: bool
) -> str:
    if user.template_id != template.pk:  # sync found it elsewhere since the list was shown
        return codes.SKIP_DELETED
    return eligibility.judge(user, kind, is_busy=is_busy, given=params)


def summary(rows: Sequence[JudgedUser]) -> list[Refusal]:
    """The refused by reason, the most frequent first."""
    by_code: dict[str, list[str]] = {}
    for row in rows:
        if row.code:
            by_code.setdefault(row.code, []).append(row.user.broadworks_id)
    refusals = [Refusal(code, len(ids), ids[:MAX_EXAMPLES]) for code, ids in by_code.items()]
    return sorted(refusals, key=lambda refusal: -refusal.count)
