"""Finding and counting the users of a list at a million rows.

Counts are the tallies' where the filter is of what they hold; users of a search or an enterprise
are counted one by one, up to a limit. Which way to the rows is quick depends on how many there
are (query_plan.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from provisioning.lists import counts as user_counts
from provisioning.lists import filters, selectivity
from provisioning.lists.counts import UserSum
from provisioning.lists.filters import UserFilter
from provisioning.lists.query_plan import Cursor, PageQuery
from provisioning.lists.search import Search
from provisioning.lists.selectivity import Sample
from provisioning.models import Subscriber
from provisioning.states import Status

#: Users of a search or an enterprise are counted up to here; beyond it is "1,000+".
MAX_COUNTED = 1000
#: A search that finds less than this part of the users is rare.
RARE = 0.01
#: The index is asked for the templates, too, but for a rare term among more users than this: to see
#: which of a great part of all users have the template takes longer than to leave out others.
SMALL = 50_000
_KEYS = ("template_id", "status", "package", "error_key")


@dataclass(frozen=True)
class Counted:
    """Users under the search and the enterprise, by what else can be filtered.

    Attributes:
        tallies: exact.
        ids: the users, when they were read one by one.
    """

    tallies: list[UserSum]
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Finder:
    """Finds the users of one list.

    Attributes:
        users: live users that the reader may see, of these templates.
        templates: ids of the templates that the list is of; the filter's template alone, if it
            names one.
    """

    users: QuerySet[Subscriber]
    templates: Sequence[int]
    chosen: UserFilter

    def lifted(self, name: str) -> Finder:
        """The same list without one of its filters, but for `template`.

        What was found out already, and is the same there, is not asked again.
        """
        other = replace(self, chosen=self.chosen.without(name))
        same = {"everyone"} if name == "q" else {"everyone", "_latest", "_sample"}
        same |= set() if name in ("q", "enterprise") else {"counted"}
        vars(other).update({key: known for key, known in vars(self).items() if key in same})
        return other

    # ---- How many ----

    @cached_property
    def everyone(self) -> list[UserSum]:
        """All users of the templates, whatever the filter; one query."""
        return user_counts.of_templates(self.templates)

    @cached_property
    def counted(self) -> Counted | None:
        """Users under the search and the enterprise; None when they are too many to be counted."""
        if not (self.chosen.q or self.chosen.enterprise):
            return Counted(self.everyone)
        if self._is_seen_often:
            return None
        rows = self._candidates()
        if len(rows) > MAX_COUNTED:
            return None
        sums = Counter(row[1:] for row in rows)
        found = [
            UserSum(template_id, status, package, error_key, n)
            for (template_id, status, package, error_key), n in sums.items()
        ]
        return Counted(found, tuple(row[0] for row in rows))

    def _candidates(self) -> list[Any]:
        """Id and keys of users under the search and the enterprise; one more than are counted."""
        users, limit = self._of_templates.order_by().values_list("pk", *_KEYS), MAX_COUNTED + 1
        if self.chosen.enterprise:
            users = users.filter(enterprise_id=self.chosen.enterprise)
            users = Search(self.chosen.q).among(users) if self.chosen.q else users
            return list(users[:limit])
        is_rare = self._size > SMALL and self._latest.share < RARE
        found = Search(self.chosen.q).found(self.templates, is_rare=is_rare)
        ids = list(found.values_list("pk", flat=True)[:limit])
        return ids if len(ids) == limit else list(users.filter(pk__in=ids))

    @property
    def _is_seen_often(self) -> bool:
        """Some users show that the search finds too many to be counted.

        What none of the newest is, is as a rule rare, and quickly found by the index.
        """
        if self.chosen.enterprise or self._latest.share < RARE:
            return False
        return self._sample.finds_more_than(MAX_COUNTED)

    @cached_property
    def _latest(self) -> Sample:
        return selectivity.newest(Search(self.chosen.q), self._newest)

    @cached_property
    def _sample(self) -> Sample:
        """Users from everywhere in the list, if they can be had, else the newest."""
        found = selectivity.spread(Search(self.chosen.q), self.templates, self._size)
        return found or self._latest

    @property
    def _newest(self) -> QuerySet[Any]:
        return filters.ordered(self.users, filters.DEFAULT_SORT).values("pk")

    @property
    def _size(self) -> int:
        return sum(tally.n for tally in self.everyone)

    @cached_property
    def by_status(self) -> Counter[str] | None:
        """How many users each status has under all other filters; None when not counted."""
        return None if self.counted is None else self._by_status(self.counted.tallies)

    @cached_property
    def total(self) -> tuple[int, bool]:
        """How many users the filter leaves, and whether there may be more than that."""
        if self.by_status is not None:
            return self._left_of(self.by_status), False
        is_plain = not set(self.chosen.active) - {"q", "enterprise", "template"}
        return (MAX_COUNTED if is_plain else 0), True

    def _left_of(self, by_status: Counter[str]) -> int:
        return sum(n for word, n in by_status.items() if self._takes(word))

    def _by_status(self, counts: Sequence[UserSum]) -> Counter[str]:
        chosen, found = self.chosen, Counter[str]()
        for tally in counts:
            is_package = not chosen.packages or tally.package in chosen.packages
            if is_package and chosen.error in ("", tally.error_key):
                found[tally.status] += tally.n
        return found

    def _takes(self, status: str) -> bool:
        if self.chosen.exclude_provisioned and status == Status.PROVISIONED:
            return False
        return not self.chosen.statuses or status in self.chosen.statuses

    # ---- Which ----

    def rows(
        self, n: int, *, cursor: Cursor | None = None, backwards: bool = False
    ) -> list[Subscriber]:
        """The first n users in the order of the list, or the last n, from the end."""
        left = self._left_of(self._by_status(self.everyone))
        if not left:
            return []  # nobody is left by the other filters alone
        ids = self.counted.ids if self.counted else None
        is_read = ids is None and self.chosen.q and not self.chosen.enterprise
        wanted = PageQuery(
            users=self.users,
            templates=self.templates,
            chosen=self.chosen,
            size=self._size,
            left=left,
            share=self._sample.share if is_read else 1.0,
            n=n,
            cursor=cursor,
            backwards=backwards,
        )
        if ids is not None:
            return wanted.of_these(ids)
        if self.chosen.enterprise:
            return wanted.of_enterprise()
        return wanted.searched() if self.chosen.q else wanted.filtered()

    @property
    def has_enterprise(self) -> bool:
        """Whether anybody belongs to the enterprise of the filter."""
        return self._of_templates.filter(enterprise_id=self.chosen.enterprise).exists()

    @property
    def _of_templates(self) -> QuerySet[Subscriber]:
        return self.users.filter(template_id__in=self.templates)
