"""The ribbon: every status and, where it is known, its exact count; a link adds or lifts it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from provisioning.lists.filters import UserFilter
from provisioning.states import Status
from userstatus.statuses import Look, look_of_word


@dataclass(frozen=True)
class StatusCount:
    """One cell; `word` is the API's, "" for all users; `look` is None there.

    `count` is None where nobody counted: too many users match the search.
    """

    word: str
    label: str
    count: int | None
    query: str
    is_chosen: bool
    look: Look | None = None


def ribbon_of(
    counts: Counter[str] | None, chosen: UserFilter, size: int | str
) -> list[StatusCount]:
    """All users first, then the statuses we know, then those that are new to us."""
    everything = chosen.without("statuses", "exclude_provisioned")
    every = StatusCount(
        word="",
        label=_("All users"),
        count=None if counts is None else sum(counts.values()),
        query=everything.query(per_page=size),
        is_chosen=everything == chosen,
    )
    labels = {str(status.value): str(status.label) for status in Status}
    strange = sorted(word for word in counts or chosen.statuses if word not in labels)
    words = [*labels, *strange]
    return [every, *(_cell(word, labels.get(word, word), counts, chosen, size) for word in words)]


def _cell(
    word: str, label: str, counts: Counter[str] | None, chosen: UserFilter, size: int | str
) -> StatusCount:
    is_chosen = word in chosen.statuses
    if is_chosen:
        statuses = tuple(status for status in chosen.statuses if status != word)
    else:
        statuses = (*chosen.statuses, word)
    following = replace(chosen, statuses=statuses)
    if word == Status.PROVISIONED and not is_chosen:
        # Otherwise the count would promise users whom the switch hides.
        following = following.without("exclude_provisioned")
    query = following.query(per_page=size)
    count = None if counts is None else counts[word]
    return StatusCount(word, label, count, query, is_chosen, look_of_word(word))
