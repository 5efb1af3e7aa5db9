"""Why the list is empty, and the one way out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from userstatus.filter_texts import filter_words

#: Where nobody counts, so many are looked for.
LOOKUP_LIMIT = 10


@dataclass(frozen=True)
class HidingFilter:
    """A filter that hides users: its words, how many there are without it, and the way there.

    With `is_capped` there are more than `count`.
    """

    words: str
    count: int
    is_capped: bool
    query: str


@dataclass(frozen=True)
class EmptyState:
    """An empty list.

    Attributes:
        kind: `first` (nobody ever came), `well` (everyone is provisioned) or `nothing`.
        everyone: how many users there are without any filter.
        lifts: filters of which one alone, when lifted, shows users.
    """

    kind: str
    everyone: int = 0
    hiding_filters: tuple[HidingFilter, ...] = ()


def empty_state(finder: Finder, wider: Callable[[UserFilter], Finder], everyone: int) -> EmptyState:
    """Find out why nobody is shown; few queries for each filter that is on.

    `finder` is the list's, `wider` makes one for a filter without its template.
    """
    if not everyone:
        return EmptyState("first")
    if finder.chosen.active == ["exclude_provisioned"]:
        return EmptyState("well", everyone)
    return EmptyState("nothing", everyone, tuple(_hiding_filters(finder, wider)))


def _hiding_filters(finder: Finder, wider: Callable[[UserFilter], Finder]) -> list[HidingFilter]:
    found, chosen = [], finder.chosen
    for name in chosen.active:
        without = chosen.without(name)
        other = wider(without) if name == "template" else finder.lifted(name)
        count, is_capped = other.total
        if is_capped and not count:  # too many to count, or nobody
            count = len(other.rows(LOOKUP_LIMIT))
        if count:
            found.append(
                HidingFilter(filter_words(name, chosen), count, is_capped, without.query())
            )
    return found
