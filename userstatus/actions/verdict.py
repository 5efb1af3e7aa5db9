"""The verdict before a bulk action runs: for how many it can be done, for whom not, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.audit import Actor
from common.templatetags.look import figure
from provisioning import catalogue, codes
from provisioning.bulk import eligibility as bulk_eligibility
from provisioning.bulk import services as bulk_services
from provisioning.bulk.services import Refusal
from provisioning.kinds import kind_of
from provisioning.models import Subscriber
from provisioning.states import JobKind
from templates_app.models import OnboardingTemplate, Package
from userstatus.actions.bulk_texts import BulkWords, counted

ADDRESS_CODES = [code for code, line in catalogue.CATALOGUE.items() if line.address_fault]


@dataclass(frozen=True)
class Reason:
    """Why some are left out: how many, in words, and up to five of their BroadWorks IDs."""

    title: str
    count: int
    examples: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many are not among the examples."""
        return self.count - len(self.examples)


@dataclass(frozen=True)
class Verdict:
    """What would happen.

    Attributes:
        able: for how many users it can be done; for a package, with any but their own.
        packages: package -> how many would get it; empty for other actions.
        other_address: of a retry, how many failed because of the address that it is tried with.
    """

    total: int
    able: int
    reasons: tuple[Reason, ...]
    packages: Mapping[str, int] = field(default_factory=dict)
    other_address: int = 0

    def words(self, words: BulkWords) -> str:
        if not self.able:
            return counted(words.none_can, self.total)
        if self.able == self.total:
            return counted(words.all_can, self.total)
        numbers = {"able": figure(self.able), "total": figure(self.total)}
        return str(words.some_can % numbers)


#: How the users of a batch are judged: template, kind, users, who asks.
Judge = Callable[[OnboardingTemplate, JobKind, Sequence[int], Actor], Verdict]


def verdict_of(
    template: OnboardingTemplate, kind: JobKind, ids: Sequence[int], actor: Actor
) -> Verdict:
    """Judge the users as they are now.

    Raises:
        ActionRefused, PermissionDenied: as provisioning.bulk.services.preview says.
    """
    found = bulk_services.preview(template, kind, ids, params={}, actor=actor)
    doubtful = _other_address(template, ids) if kind_of(kind).activates and found.able else 0
    return Verdict(found.total, found.able, _reasons(found.refused), other_address=doubtful)


def _other_address(template: OnboardingTemplate, ids: Sequence[int]) -> int:
    """How many stand in an error that only another address can mend."""
    users = Subscriber.objects.live().filter(template=template)
    return users.filter(pk__in=ids, error_code__in=ADDRESS_CODES).count()


def of_packages(
    template: OnboardingTemplate, kind: JobKind, ids: Sequence[int], actor: Actor
) -> Verdict:
    """The same for a change of package, to each that can be chosen: judged once, with any of them,
    since who has it already could have another one.
    """
    params = {"package": str(Package.BASIC)}
    bulk_eligibility.check(template, kind, ids, params=params, actor=actor)
    rows = bulk_eligibility.judge(template, kind, ids, params=params)
    refused = [r for r in bulk_eligibility.summary(rows) if r.code != codes.SKIP_SAME_PACKAGE]
    able = [row.user.package for row in rows if row.code in ("", codes.SKIP_SAME_PACKAGE)]
    counts = {str(package): len(able) - able.count(package) for package in Package.values}
    return Verdict(len(rows), len(able), _reasons(refused), counts)


def _reasons(refused: Iterable[Refusal]) -> tuple[Reason, ...]:
    ordered = sorted(refused, key=lambda refusal: -refusal.count)
    return tuple(
        Reason(str(catalogue.explain(r.code).title), r.count, tuple(r.examples)) for r in ordered
    )
