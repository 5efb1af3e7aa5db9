"""The catalogue of errors: what happened, why, who must act and what to do next.

`explain` is the one way in. The lines are in cisco_login.py and cisco_setup.py (Cisco's numbers),
jobs.py, skips.py and portal.py (ours); a new code is a new line there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from provisioning.catalogue import cisco_login, cisco_setup, jobs, portal, skips
from provisioning.catalogue.explanation import Actor, Explanation, Retry, explained
from provisioning.catalogue.words import REFUSED

__all__ = ["CATALOGUE", "Actor", "Explanation", "Retry", "explain", "is_known"]

LINES = (
    *cisco_login.LOGIN_CODES,
    *cisco_login.ADDRESS_CODES,
    *cisco_setup.USER_ID_CODES,
    *cisco_setup.SETUP_CODES,
    *jobs.JOB_CODES,
    *skips.SKIP_CODES,
    *portal.PORTAL_CODES,
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
    REFUSED,
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
    return CATALOGUE.get(code) or _unknown(code, text)


def is_known(code: str) -> bool:
    """Tell whether the catalogue has the code."""
    return code in CATALOGUE


@lru_cache(maxsize=512)
def _unknown(code: str, text: str) -> Explanation:
    """A line that speaks any language, as those of the catalogue do; lists ask for it often."""
    words = " ".join(text.split())
    title = words if len(words) <= _TITLE else f"{words[: _TITLE - 1].rstrip()}…"
    return replace(_UNKNOWN, code=code, title=title or _UNKNOWN.title)
