"""The catalogue of errors: what happened, why, who must act and what to do next.

`explain` is the one way in. The lines are in catalogue_cisco.py and catalogue_setup.py (Cisco's
numbers), catalogue_jobs.py and catalogue_portal.py (ours); a new code is a new line there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from provisioning import catalogue_cisco, catalogue_jobs, catalogue_portal, catalogue_setup
from provisioning.catalogue_words import HELP_NEEDED
from provisioning.explanation import Actor, Explanation, Retry, explained

__all__ = ["CATALOGUE", "Actor", "Explanation", "Retry", "explain", "is_known"]

LINES = (
    *catalogue_cisco.LOGIN_CODES,
    *catalogue_cisco.ADDRESS_CODES,
    *catalogue_setup.USER_ID_CODES,
    *catalogue_setup.SETUP_CODES,
    *catalogue_jobs.JOB_CODES,
    *catalogue_portal.PORTAL_CODES,
)
#: Every explained code, in the order of the files.
CATALOGUE: Mapping[str, Explanation] = MappingProxyType({line.code: line for line in LINES})

#: Longest title made of a text of the API.
_TITLE = 80

_UNKNOWN = explained(
    "",
    "",
    _("Webex reported an error"),
    (Actor.ADMINISTRATOR, _("retry, or pass it to Cisco support")),
    HELP_NEEDED,
    why=_("Webex sent an error that is not in our list. Its own words are shown as they came."),
    advice=_(
        "Retry the activation. If the error comes back, copy the error text and pass it to Cisco "
        "support with the tracking ID."
    ),
)


def explain(code: str, text: str = "") -> Explanation:
    """Explain a code of Cisco's or ours; `text` is what the API sent with it.

    A code that is not in the catalogue, or none at all, is titled with the API's own text and
    gets general advice; the end user never sees that text.
    """
    line = CATALOGUE.get(code)
    if line is not None:
        return line
    words = " ".join(text.split())
    title = words if len(words) <= _TITLE else f"{words[: _TITLE - 1].rstrip()}…"
    return replace(_UNKNOWN, code=code, title=title or _UNKNOWN.title)


def is_known(code: str) -> bool:
    """Tell whether the catalogue has the code."""
    return code in CATALOGUE
