"""What the filters of a list are set to, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from provisioning.lists.filters import NO_ERROR, UNCODED, UserFilter
from provisioning.states import Status


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


def filters_of(chosen: UserFilter) -> str:
    """What the filters are set to, in words; "" without any."""
    return ", ".join(filter_words(name, chosen) for name in chosen.active)
