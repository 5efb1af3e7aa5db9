"""The first users in the order of a list, or the last ones, by the way that reads the fewest rows.

A list is read in its order from an index, as far as it takes to fill a page, or all users that the
filters leave, or that the search finds, are read and sorted. How many rows each way takes is
estimated by how many users there are, how many of them the filters leave, and what part of the
newest the search finds. What an order has to do with the filters is not known, so reading in order
ends where the other ways would have been quicker.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Lookup, OuterRef, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple as Row
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.lists.search import IsIn, Search
from provisioning.models import Subscriber, UserText
from provisioning.states import Status
from templates_app.models import OnboardingTemplate

#: A list is read in its order no further than this.
MAX_READ = 6000
#: Orders that an index of UserText has, as its columns.
_WALKED = {"broadworks_id": "broadworks_id", "name": "name_key"}


@dataclass(frozen=True)
class Cursor:
    """Rows on one side of a row in the order of a list.

    Attributes:
        value, pk: what the list is sorted by (filtering.SORT_KEYS) and the id of that row.
        is_less: those whose value is less, else those whose value is greater.
    """

    value: Any
    pk: int
    is_less: bool

    def condition(self, key: str, pk: str) -> Lookup[Any]:
        """One row comparison, which indexes serve."""
        lookup = TupleLessThan if self.is_less else TupleGreaterThan
        return lookup(Row(F(key), F(pk)), (self.value, self.pk))


@dataclass(frozen=True)
class PageQuery:
    """Some users of a list, from one end of it or from a row on.

    Attributes:
        users: live users that the reader may see, of these templates.
        templates: their ids.
        size: how many users the templates have.
        left: how many of them the filters leave, whatever the search finds and the enterprise is.
        share: the part of the users that the search finds, estimated.
        n: how many are wanted.
        backwards: from the end of the order.
    """

    users: QuerySet[Subscriber]
    templates: Collection[int]
    chosen: UserFilter
    size: int
    left: int
    share: float
    n: int
    cursor: Cursor | None = None
    backwards: bool = False

    # ---- The ways ----

    def of_these(self, ids: Collection[int]) -> list[Subscriber]:
        """Those of a few users that the filters leave."""
        return self._taken(self._from_cursor(self.users).filter(pk__in=ids))

    def of_enterprise(self) -> list[Subscriber]:
        """Of more users than can be counted, for whom there is an index."""
        users = self._from_cursor(self.users)
        return self._taken(Search(self.chosen.q).among(users) if self.chosen.q else users)

    def filtered(self) -> list[Subscriber]:
        """Without a search and an enterprise."""
        if not self._column:
            is_indexed = self._is_single and len(self.chosen.statuses) < 2
            if is_indexed or not self._others.active:
                return self._taken(self._from_cursor(self.users))
            return self.of_these(list(chain(*self._beginnings(self.n))))
        expected = self.n * self.size // self.left
        for limit in (3 * expected, 24 * expected):
            if limit <= self.left and (found := self._tried(limit)) is not None:
                return found
        return self._taken(self._from_cursor(self.users))

    def searched(self) -> list[Subscriber]:
        """With a search that finds very many."""
        search = Search(self.chosen.q)
        hidden = self.size / self.left if self._column else 1
        expected = round(3 * self.n * hidden / self.share)
        for limit in self._more_and_more(expected):
            if (read := self._tried(limit)) is not None:
                return read
        if self._column and not self._others.active:
            texts = self._in_order(search.found(self.templates))
            return self.of_these(list(texts.values_list("pk", flat=True)[: self.n]))
        if self.left <= self.share * self.size:
            left = ArraySubquery(self._left_by_filters)
            return self._sorted(search.reading(left).values("pk"))
        return self._sorted(search.found(self.templates).values("pk"))

    def _more_and_more(self, expected: int) -> list[int]:
        """How many to read, at first those expected: the first users may be unlike the others."""
        if expected > MAX_READ:
            return []
        steps = sorted({min(factor * expected, MAX_READ) for factor in (1, 4, 16)})
        return [step for step in steps if step <= self.left]

    def _taken(self, users: QuerySet[Subscriber]) -> list[Subscriber]:
        return list(users[: self.n])

    def _sorted(self, ids: QuerySet[Any]) -> list[Subscriber]:
        """The first of these; found before they are sorted, as one array, and not along with it."""
        return self._taken(self._from_cursor(self.users).filter(IsIn(F("pk"), ArraySubquery(ids))))

    def _tried(self, limit: int) -> list[Subscriber] | None:
        """Those among about so many users from the list's beginning; None when too few match."""
        each = limit if self._is_single else max(2 * limit // len(self.templates), self.n)
        lists = self._beginnings(each)
        ends = [ids[-1] for ids in lists if len(ids) == each]  # whoever is beyond was not read
        ids = list(chain(*lists))
        if self.chosen.q:
            ids = list(Search(self.chosen.q).reading(ids).values_list("pk", flat=True))
        users = self._from_cursor(self.users).filter(pk__in=ids)
        if ends and len(lists) > 1:
            users = users.filter(self._up_to(ends))
        found = self._taken(users)
        return found if len(found) == self.n or not ends else None

    def _up_to(self, ends: list[int]) -> Q:
        """Users up to the first of these, as far as all parts of the list were read."""
        ordered = filters.ordered(Subscriber.objects.filter(pk__in=ends), self.chosen.sort)
        end: Any = (ordered.reverse() if self.backwards else ordered)[0]
        before = Cursor(end.sort_key, end.pk, is_less=not self._is_down)
        return Q(before.condition("sort_key", "id")) | Q(pk=end.pk)

    # ---- What they are made of ----

    @property
    def _column(self) -> str:
        """The column of UserText that has the order; "" for an order of the users themselves."""
        return _WALKED.get(self.chosen.sort.removeprefix("-"), "")

    @property
    def _is_down(self) -> bool:
        """The values that are sorted by become less from row to row."""
        return self.chosen.sort.startswith("-") != self.backwards

    @property
    def _statuses(self) -> list[tuple[str, ...]]:
        """The statuses, each by itself, as an index has them; without any, all at once."""
        hidden = {Status.PROVISIONED} if self.chosen.exclude_provisioned else set()
        return [(word,) for word in self.chosen.statuses if word not in hidden] or [()]

    @property
    def _is_single(self) -> bool:
        return len(self.templates) == 1

    @property
    def _left_by_filters(self) -> QuerySet[Any]:
        """Ids of all that the filters leave; not whose they are, which `users` sees to."""
        users = Subscriber.objects.live().filter(template_id__in=self.templates)
        return filters.narrow(users, self._others).order_by().values("pk")

    @property
    def _others(self) -> UserFilter:
        return self.chosen.without("q", "template")

    # ---- Parts of a list ----

    def _beginnings(self, n: int) -> list[list[int]]:
        """The ids of the first n of each part of the list that an index gives in its order.

        By last change these are all that the filters leave, of each template and status.
        """
        if self._column:
            return self._of_each(self._by_column(OuterRef("pk")).values("pk")[:n])
        lists: list[list[int]] = []
        for statuses in self._statuses:
            part = replace(self, chosen=replace(self.chosen, statuses=statuses))
            users = part._from_cursor(Subscriber.objects.live().filter(template=OuterRef("pk")))
            lists += self._of_each(users.values("pk")[:n])
        return lists

    def _of_each(self, users: QuerySet[Any]) -> list[list[int]]:
        """Ids of users of each template, in the order of the query, which asks for OuterRef."""
        templates = OnboardingTemplate.objects.filter(pk__in=self.templates).order_by()
        return list(templates.values_list(ArraySubquery(users), flat=True))

    def _by_column(self, template: Any) -> QuerySet[UserText]:
        """A template's users in the list's order, whatever the filters."""
        return self._in_order(UserText.objects.filter(template_id=template))

    def _in_order(self, users: QuerySet[UserText]) -> QuerySet[UserText]:
        """In the list's order, where it is one of UserText."""
        if self.cursor:
            users = users.filter(self.cursor.condition(self._column, "subscriber_id"))
        ends = [F(name).desc() if self._is_down else F(name).asc() for name in (self._column, "pk")]
        return users.order_by(*ends)

    # ---- What they are made of ----

    def _from_cursor(self, users: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        """Those under all filters but the search, in the order of the list or from its end."""
        users = filters.ordered(filters.narrow(users, self._others), self.chosen.sort)
        users = users.filter(self.cursor.condition("sort_key", "id")) if self.cursor else users
        return users.reverse() if self.backwards else users
