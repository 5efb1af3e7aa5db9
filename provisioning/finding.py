"""Finding and counting the users of a list at a million rows.

Which way is quick depends on what is asked: counts come from tallies where the filter is of what
they hold; few users of a search or an enterprise are read one by one; a search that finds many
is answered by reading the list in its order until a page is full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from provisioning import filtering, reading, tallies
from provisioning.filtering import UserFilter
from provisioning.models import Subscriber
from provisioning.searching import Search
from provisioning.states import Status
from provisioning.tallies import Tally
from templates_app.models import OnboardingTemplate

#: Users of a search or an enterprise are counted up to here; beyond it is "1,000+".
MOST_COUNTED = 1000
#: A list is read in its order up to here for users whom a search finds, before the index is asked
#: for all of them.
MOST_READ = 2000
_NEWEST = "SELECT coalesce(max(id), 0) FROM provisioning_subscriber"
_KEYS = ("template_id", "status", "package", "error_key")


def newest() -> int:
    """The largest id of any user by now, whosever: what has a larger one arrived later."""
    [(found,)] = reading.prepared(_NEWEST, {})
    return int(found)


@dataclass(frozen=True)
class Counted:
    """Users under the search and the enterprise, by what else can be filtered.

    Attributes:
        tallies: exact.
        ids: the users, when they were read one by one.
    """

    tallies: list[Tally]
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

    # ---- How many ----

    @cached_property
    def everyone(self) -> list[Tally]:
        """All users of the templates, whatever the filter; one query."""
        return tallies.of_templates(self.templates)

    @cached_property
    def counted(self) -> Counted | None:
        """Users under the search and the enterprise; None when they are too many to be counted."""
        if not (self.chosen.q or self.chosen.enterprise):
            return Counted(self.everyone)
        rows = list(self._candidates()[: MOST_COUNTED + 1])
        if len(rows) > MOST_COUNTED:
            return None
        sums = Counter(row[1:] for row in rows)
        found = [
            Tally(template_id, status, package, error_key, n)
            for (template_id, status, package, error_key), n in sums.items()
        ]
        return Counted(found, tuple(row[0] for row in rows))

    def _candidates(self) -> Any:
        """Id and keys of users under the search and the enterprise."""
        users = self._of_templates
        if self.chosen.enterprise:
            users = users.filter(enterprise_id=self.chosen.enterprise)
            users = Search(self.chosen.q).among(users) if self.chosen.q else users
        else:
            found = Search(self.chosen.q).found(self.templates).values_list("pk", flat=True)
            ids = list(found[: MOST_COUNTED + 1])
            if len(ids) > MOST_COUNTED:
                return ids
            users = users.filter(pk__in=ids)
        return users.order_by().values_list("pk", *_KEYS)

    @property
    def by_status(self) -> Counter[str] | None:
        """How many users each status has under all other filters; None when not counted."""
        return None if self.counted is None else self._by_status(self.counted.tallies)

    @cached_property
    def total(self) -> tuple[int, bool]:
        """How many users the filter leaves, and whether there may be more than that."""
        if self.by_status is not None:
            return self._left_of(self.by_status), False
        is_plain = not set(self.chosen.active) - {"q", "enterprise", "template"}
        return (MOST_COUNTED if is_plain else 0), True

    def _left_of(self, by_status: Counter[str]) -> int:
        return sum(n for word, n in by_status.items() if self._takes(word))

    def _by_status(self, counts: Sequence[Tally]) -> Counter[str]:
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

    @property
    def has_enterprise(self) -> bool:
        """Whether anybody belongs to the enterprise of the filter."""
        return self._of_templates.filter(enterprise_id=self.chosen.enterprise).exists()

    # ---- Which ----

    def rows(self, n: int, *, beyond: Any = None, backwards: bool = False) -> list[Subscriber]:
        """The first n users in the order of the list, or the last n, from the end.

        `beyond` is a condition on `sort_key` and `id` (filtering.ordered).
        """
        if not self._left_of(self._by_status(self.everyone)):
            return []  # nobody is left by the other filters alone
        placed = partial(self._placed, beyond=beyond, backwards=backwards)
        users = placed(self.users)
        if self.chosen.q and self.counted is None:
            bare = placed(Subscriber.objects.live() if self._is_merged else self._bare)
            read = self._read_merged if self._is_merged else self._read
            if found := read(users, bare, n):
                return found
        users = self._searched(users)
        if self._is_merged and not (self.chosen.q or self._are_few):
            lists = self._of_each(placed(Subscriber.objects.live()), n)
            users = users.filter(pk__in=list(chain(*lists)))
        return list(users[:n])

    def _read(
        self, users: QuerySet[Subscriber], bare: QuerySet[Subscriber], n: int
    ) -> list[Subscriber]:
        """The first n whom the search finds; nobody, when they are not among the first read."""
        first = users.filter(pk__in=bare.values("pk")[:MOST_READ])
        found = list(Search(self.chosen.q).among(first)[:n])
        return found if len(found) == n else []

    def _read_merged(
        self, users: QuerySet[Subscriber], bare: QuerySet[Subscriber], n: int
    ) -> list[Subscriber]:
        """The same of several templates: each gives n, or all that it has."""
        most = MOST_READ // len(self.templates)
        if most < n:
            return []
        lists = self._of_each(bare, most)
        found = list(Search(self.chosen.q).among(users.filter(pk__in=list(chain(*lists)))))
        those = {user.pk for user in found}
        is_sure = all(len(ids) < most or len(those.intersection(ids)) >= n for ids in lists)
        return found[:n] if is_sure else []

    def _of_each(self, users: QuerySet[Subscriber], n: int) -> list[list[int]]:
        """The ids of the first n of each template, which an index gives."""
        each = users.filter(template=OuterRef("pk")).values("pk")[:n]
        templates = OnboardingTemplate.objects.filter(pk__in=self.templates).order_by()
        return list(templates.values_list(ArraySubquery(each), flat=True))

    def _placed(
        self, users: QuerySet[Subscriber], beyond: Any, backwards: bool
    ) -> QuerySet[Subscriber]:
        """Those under all filters but the search, in the order of the list or from its end."""
        others = filtering.narrow(users, self.chosen.without("q", "template"))
        ordered = filtering.ordered(others, self.chosen.sort)
        ordered = ordered if beyond is None else ordered.filter(beyond)
        return ordered.reverse() if backwards else ordered

    @property
    def _bare(self) -> QuerySet[Subscriber]:
        """The users by what indexes hold; not whose they are, which `users` sees to."""
        if len(self.templates) != 1:
            return self.users
        return Subscriber.objects.live().filter(template=self.templates[0])

    @property
    def _are_few(self) -> bool:
        """There is an index for exactly these users."""
        return bool(self.chosen.enterprise or (self.counted and self.counted.ids is not None))

    @property
    def _is_merged(self) -> bool:
        """Indexes serve one template each, but for all of a partner's users, newest first."""
        is_plain = not set(self.chosen.active) - {"q", "template"} and "last" in self.chosen.sort
        return len(self.templates) != 1 and not is_plain

    @property
    def _of_templates(self) -> QuerySet[Subscriber]:
        return self.users.filter(template_id__in=self.templates)

    def _searched(self, users: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        """Those whom the search finds."""
        if self.counted is not None and self.counted.ids is not None:
            return users.filter(pk__in=self.counted.ids)
        if not self.chosen.q:
            return users
        return Search(self.chosen.q).narrow(users, self.templates)
