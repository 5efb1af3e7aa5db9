"""The verdict before a bulk action runs: for how many it can be done, for whom not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.audit import Actor
from provisioning import batches, catalogue, codes
from provisioning.batches import Preview, Refusal
from provisioning.states import JobKind
from templates_app.models import OnboardingTemplate, Package
from userstatus.batch_words import figure
from userstatus.bulk_words import BulkWords, counted


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
    """

    total: int
    able: int
    reasons: tuple[Reason, ...]
    packages: Mapping[str, int] = field(default_factory=dict)

    def words(self, words: BulkWords) -> str:
        """The verdict as a sentence."""
        if not self.able:
            return counted(words.none_can, self.total)
        if self.able == self.total:
            return counted(words.all_can, self.total)
        numbers = {"able": figure(self.able), "total": figure(self.total)}
        return str(words.some_can % numbers)


def verdict_of(
    template: OnboardingTemplate, kind: JobKind, ids: Sequence[int], actor: Actor
) -> Verdict:
    """Judge the users as they are now; a package is judged for each that can be chosen."""
    if kind != JobKind.PACKAGE:
        found = batches.preview(template, kind, ids, params={}, actor=actor)
        return Verdict(found.total, found.able, _reasons(found.refused))
    previews = {
        str(package): batches.preview(template, kind, ids, params={"package": package}, actor=actor)
        for package in Package.values
    }
    return _of_packages(previews)


def _of_packages(previews: Mapping[str, Preview]) -> Verdict:
    """Who has the package already could have another one."""
    any_of_them = next(iter(previews.values()))
    refused = [r for r in any_of_them.refused if r.code != codes.SKIP_SAME_PACKAGE]
    able = any_of_them.total - sum(refusal.count for refusal in refused)
    counts = {package: preview.able for package, preview in previews.items()}
    return Verdict(any_of_them.total, able, _reasons(refused), counts)


def _reasons(refused: Iterable[Refusal]) -> tuple[Reason, ...]:
    ordered = sorted(refused, key=lambda refusal: -refusal.count)
    return tuple(
        Reason(str(catalogue.explain(r.code).title), r.count, tuple(r.examples)) for r in ordered
    )
