"""Why the list is empty, and the one way out of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from provisioning import filtering
from provisioning.filtering import NO_ERROR, UNCODED, UserFilter
from provisioning.models import Subscriber
from provisioning.states import Status
from userstatus.facets import Facets


@dataclass(frozen=True)
class Lift:
    """A filter that hides users: its words, how many there are without it, and the way there."""

    words: str
    count: int
    query: str


@dataclass(frozen=True)
class Empty:
    """An empty list.

    Attributes:
        kind: `first` (nobody ever came), `well` (everyone is provisioned) or `nothing`.
        everyone: how many users there are without any filter.
        lifts: filters of which one alone, when lifted, shows users.
    """

    kind: str
    everyone: int = 0
    lifts: tuple[Lift, ...] = ()


def empty_state(users: QuerySet[Subscriber], chosen: UserFilter, facets: Facets) -> Empty:
    """Find out why nobody is shown; one query for each filter that is on."""
    if not facets.everyone:
        return Empty("first")
    if chosen.active == ["exclude_provisioned"]:
        return Empty("well", facets.everyone)
    return Empty("nothing", facets.everyone, tuple(_lifts(users, chosen)))


def _lifts(users: QuerySet[Subscriber], chosen: UserFilter) -> list[Lift]:
    found = []
    for name in chosen.active:
        without = chosen.without(name)
        count = filtering.narrow(users, without).count()
        if count:
            found.append(Lift(filter_words(name, chosen), count, without.query()))
    return found


def filter_words(name: str, chosen: UserFilter) -> str:
    """What a field of the filter is set to, to stand in a sentence."""
    labels = {str(status.value): str(status.label) for status in Status}
    statuses = ", ".join(labels.get(word, word) for word in chosen.statuses)
    words = {
        "q": _("the search “%(text)s”") % {"text": chosen.q},
        "template": _("the chosen template"),
        "statuses": _("the status %(statuses)s") % {"statuses": statuses},
        "packages": _("the package %(packages)s") % {"packages": ", ".join(chosen.packages)},
        "error": _error(chosen.error),
        "enterprise": _("the enterprise %(name)s") % {"name": chosen.enterprise},
        "exclude_provisioned": _("“Exclude provisioned users”"),
    }
    return words[name]


def _error(value: str) -> str:
    if value == NO_ERROR:
        return _("the choice of users without an error")
    if value == UNCODED:
        return _("the choice of errors without a code")
    return _("the error %(code)s") % {"code": value}
