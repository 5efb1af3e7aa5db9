"""What part of many users a search finds, seen by some of them.

The newest users alone would mislead where those who come or change together are alike: a customer
that was brought in today has one domain, and first names of one country.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from common.sql import Among
from provisioning.lists import live_changes
from provisioning.lists.search import Search
from provisioning.models import UserText

#: So many of the newest users are looked at where the list is short.
NEWEST = 100
#: Of a longer list about so many users from everywhere in it, and no fewer than the least.
SPREAD, LEAST = 300, 100
#: A list of more users is a long one.
MANY = 50_000
#: Ids that are tried to find them, since those of other lists lie between.
MAX_TRIED = 3000


@dataclass(frozen=True)
class Sample:
    """Some users of a list, and how many of them a search finds.

    Attributes:
        size: how many users the list has, from everywhere in which they come; None: they are the
            newest.
    """

    found: int
    seen: int
    size: int | None = None

    @property
    def share(self) -> float:
        """The part of all users that the search finds, estimated; more than nothing."""
        return max(self.found, 0.5) / self.seen

    def finds_more_than(self, number: int) -> bool:
        """The search finds more users than that; True only when it is as good as certain.

        With no more than `number`, a spread sample would have `expected` of them on average, and
        12 more than four times as many once in 10**11 samples (Chernoff's bound).
        """
        if self.size is None:
            return False
        expected = self.seen * number / self.size
        return self.found >= 12 + 4 * expected


def newest(search: Search, users: QuerySet[Any]) -> Sample:
    """Look at the newest users of a list; `users` are its ids, the newest first. The quickest."""
    return Sample(search.reading(users[:NEWEST]).count(), NEWEST)


def spread(search: Search, templates: Collection[int], size: int) -> Sample | None:
    """Look at users from everywhere in a list; None when it is short, or they are hard to meet."""
    if size <= MANY:
        return None
    last = live_changes.newest()
    tried = min(SPREAD * last // size, MAX_TRIED)
    # The same ids until somebody arrives: one list is read in one way.
    ids = random.Random(last).choices(range(1, last + 1), k=tried)  # noqa: S311 -- no secret
    texts = UserText.objects.filter(pk__in=Among.of(ids), template_id__in=templates)
    sums = texts.aggregate(found=Count("pk", filter=search.condition), seen=Count("pk"))
    seen = sums["seen"]
    return Sample(sums["found"], seen, size) if seen >= LEAST else None
