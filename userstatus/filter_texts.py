"""What the filters and the order of a list are set to, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.bidi import isolated
from provisioning.lists.filters import NO_ERROR, UNCODED, UserFilter
from provisioning.states import Status
from templates_app.models import Package

#: What `sort` may say, in the order of the select.
SORTS = {
    "-last_change": gettext_lazy("Last change, newest first"),
    "last_change": gettext_lazy("Last change, oldest first"),
    "broadworks_id": gettext_lazy("BroadWorks ID"),
    "-broadworks_id": gettext_lazy("BroadWorks ID, from the end"),
    "name": gettext_lazy("Name"),
    "-name": gettext_lazy("Name, from the end"),
}


@dataclass(frozen=True)
class ErrorWords:
    """What the filter of errors may say that is no code, by where it stands.

    Attributes:
        option: in the panel.
        value: after the name of the filter.
        phrase: in a sentence.
    """

    option: Any
    value: Any
    phrase: Any


ERRORS = {
    NO_ERROR: ErrorWords(
        option=gettext_lazy("Users without an error"),
        value=gettext_lazy("None"),
        phrase=gettext_lazy("the choice of users without an error"),
    ),
    UNCODED: ErrorWords(
        option=gettext_lazy("An error without a code"),
        value=gettext_lazy("Without a code"),
        phrase=gettext_lazy("the choice of errors without a code"),
    ),
}


def value_of(name: str, chosen: UserFilter) -> str:
    """What a field of the filter says, to stand after its name; "" for a field that is not set."""
    error = ERRORS.get(chosen.error)
    values = {
        "q": chosen.q,
        "statuses": _labels(Status, chosen.statuses),
        "packages": _labels(Package, chosen.packages),
        "error": str(error.value) if error else chosen.error,
        "enterprise": chosen.enterprise,
        "exclude_provisioned": _("Provisioned users") if chosen.exclude_provisioned else "",
    }
    return values[name]


def _labels(choices: type[TextChoices], words: Iterable[str]) -> str:
    """The reader's words for the API's; one that is new to us stays as it is."""
    labels = dict(choices.choices)
    return ", ".join(str(labels.get(word, word)) for word in words)


def filter_words(name: str, chosen: UserFilter) -> str:
    """What a field of the filter is set to, to stand in a sentence."""
    if name == "template":
        return _("the chosen template")
    if name == "exclude_provisioned":
        return _("“Exclude provisioned users”")
    if name == "error" and chosen.error in ERRORS:
        return str(ERRORS[chosen.error].phrase)
    phrases = {
        "q": _("the search “%(value)s”"),
        "statuses": _("the status %(value)s"),
        "packages": _("the package %(value)s"),
        "error": _("the error %(value)s"),
        "enterprise": _("the enterprise %(value)s"),
    }
    return phrases[name] % {"value": isolated(value_of(name, chosen))}


def filters_of(chosen: UserFilter) -> str:
    """What the filters are set to, in words; "" without any."""
    return ", ".join(filter_words(name, chosen) for name in chosen.active)
