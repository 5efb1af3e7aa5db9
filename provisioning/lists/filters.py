"""What a list of users shows: the filters of User status, as the URL says them.

The screen and the export read the same query string with `parse` and narrow with `narrow`, so
that the file has the rows and the order of the screen. Nothing here raises on odd input: what
cannot be read is left out and named in `problems`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.http import QueryDict
from django.utils.translation import gettext as _

from common.bidi import isolated
from provisioning.lists.search import Search
from provisioning.models import Subscriber
from provisioning.models.subscribers import NO_ERROR as NO_ERROR
from provisioning.models.subscribers import UNCODED as UNCODED
from provisioning.states import Status

SEARCH_LENGTH = 64
#: Longest value of any other filter, as long as the longest column behind one.
VALUE_LENGTH = 200
#: A query string names at most this many statuses or packages: the live poll repeats it.
MAX_VALUES = 12
DEFAULT_SORT = "-last_change"
#: What `sort` may say: the expression, to which the row's id is added.
SORT_KEYS: dict[str, Combinable] = {
    "last_change": F("last_change_at"),
    "broadworks_id": F("broadworks_id"),
    "name": F("name_key"),
}
SORTS = frozenset(f"{sign}{name}" for name in SORT_KEYS for sign in ("", "-"))
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
#: Marks that cannot be seen and come along around a word that is copied: address books put phone
#: numbers between marks of direction, documents leave soft hyphens and joints of words.
_MARKS = "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+"
_AROUND = re.compile(rf"(?<!\S){_MARKS}|{_MARKS}(?!\S)")


@dataclass(frozen=True)
class UserFilter:
    """One choice of rows and order; every field is one parameter of the URL (DESIGN section 6).

    Attributes:
        q: any part of BroadWorks ID, name, e-mail address or phone number, at most 64 characters.
        template: UUID of an onboarding template, where the list is of the whole partner.
        statuses, packages: API words; empty means any.
        error: a code, `none` or `uncoded` (models.Subscriber.error_key), "" for any.
        enterprise: an enterprise ID, "" for any.
        problems: what the URL said and could not be understood, in words for its reader.
    """

    q: str = ""
    template: UUID | None = None
    statuses: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    error: str = ""
    enterprise: str = ""
    exclude_provisioned: bool = False
    sort: str = DEFAULT_SORT
    problems: tuple[str, ...] = field(default=(), compare=False)

    def without(self, *names: str) -> UserFilter:
        """The same with the named fields lifted."""
        return replace(self, **{name: getattr(NOTHING, name) for name in names})

    @property
    def active(self) -> list[str]:
        """Names of the fields that hide rows, in the order of the screen."""
        return [name for name in _PARAMETERS if getattr(self, name) != getattr(NOTHING, name)]

    def query(self, **more: Any) -> str:
        """The URL's query string; what is as it is by itself is left out."""
        pairs: list[tuple[str, str]] = []
        for name, parameter in _PARAMETERS.items():
            value = getattr(self, name)
            if isinstance(value, tuple):
                pairs += [(parameter, item) for item in value]
            elif value:
                pairs.append((parameter, "on" if value is True else str(value)))
        if self.sort != DEFAULT_SORT:
            pairs.append(("sort", self.sort))
        pairs += [(name, str(value)) for name, value in more.items() if value]
        return urlencode(pairs)


#: Field -> parameter of the URL, for all that hides rows.
_PARAMETERS = {
    "q": "q",
    "template": "template",
    "statuses": "status",
    "packages": "package",
    "error": "error",
    "enterprise": "enterprise",
    "exclude_provisioned": "exclude_provisioned",
}
NOTHING = UserFilter()


# ---- Reading the URL ----


def parse(query: QueryDict | str) -> UserFilter:
    """Read a query string; unknown words are kept as they are and simply match nobody."""
    data = QueryDict(query) if isinstance(query, str) else query
    problems: list[str] = []
    return UserFilter(
        q=_search(data, problems),
        template=_uuid(data, problems),
        statuses=_several(data, "status"),
        packages=_several(data, "package"),
        error=_one(data, "error"),
        enterprise=_one(data, "enterprise"),
        exclude_provisioned=_switch(data, problems),
        sort=_sort(data, problems),
        problems=tuple(problems),
    )


def clean(text: str, limit: int) -> str:
    """What somebody looks for, typed or pasted, cut to `limit`.

    Without control characters, lone surrogates, which no column holds, and marks around words that
    cannot be seen. A tab, which stands between pasted cells, or the end of a line is a blank.
    """
    blanks = "".join(" " if char.isspace() else char for char in text)
    kept = "".join(char for char in blanks if unicodedata.category(char) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", _AROUND.sub("", kept)).strip()[:limit]


def _exact(value: str) -> str:
    """A value as the backend wrote it: changed in anything but this, it would match nobody."""
    return _UNSTORABLE.sub("", value).strip()[:VALUE_LENGTH]


def _one(data: QueryDict, name: str) -> str:
    return _exact(data.get(name, ""))


def _several(data: QueryDict, name: str) -> tuple[str, ...]:
    values = map(_exact, data.getlist(name))
    return tuple(dict.fromkeys(value for value in values if value))[:MAX_VALUES]


def _search(data: QueryDict, problems: list[str]) -> str:
    text = data.get("q", "")
    whole = clean(text, len(text))
    if len(whole) > SEARCH_LENGTH:
        problems.append(
            _("The search was cut to its first %(n)s characters.") % {"n": SEARCH_LENGTH}
        )
    return whole[:SEARCH_LENGTH].strip()


def _uuid(data: QueryDict, problems: list[str]) -> UUID | None:
    text = data.get("template", "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        problems.append(_("The template in the address of this page was not understood."))
        return None


def _switch(data: QueryDict, problems: list[str]) -> bool:
    text = data.get("exclude_provisioned", "")
    if text not in ("", "on"):
        problems.append(_("“exclude_provisioned” can only be “on”; provisioned users are shown."))
    return text == "on"


def _sort(data: QueryDict, problems: list[str]) -> str:
    text = data.get("sort", "") or DEFAULT_SORT
    if text in SORTS:
        return text
    problems.append(
        _("The list cannot be sorted by “%(sort)s”.") % {"sort": isolated(clean(text, 40))}
    )
    return DEFAULT_SORT


# ---- Asking the database ----


def narrow(
    users: QuerySet[Subscriber], chosen: UserFilter, templates: Collection[int] | None = None
) -> QuerySet[Subscriber]:
    """The rows that the filter leaves, in no particular order.

    `templates` are ids of those that the users are of: then a search reads no other texts.
    """
    if chosen.template:
        users = users.filter(template__uuid=chosen.template)
    if chosen.statuses:
        users = users.filter(status__in=chosen.statuses)
    if chosen.exclude_provisioned:
        users = users.exclude(status=Status.PROVISIONED)
    if chosen.packages:
        users = users.filter(package__in=chosen.packages)
    if chosen.enterprise:
        users = users.filter(enterprise_id=chosen.enterprise)
    if chosen.error:
        users = users.filter(error_key=chosen.error)
    return Search(chosen.q).narrow(users, templates) if chosen.q else users


def among(users: QuerySet[Subscriber], chosen: UserFilter) -> QuerySet[Subscriber]:
    """The same of few users, at most some ten thousand: a search reads the text of each."""
    left = narrow(users, chosen.without("q"))
    return Search(chosen.q).among(left) if chosen.q else left


def ordered(users: QuerySet[Subscriber], sort: str) -> QuerySet[Subscriber]:
    """In the order of the screen, with the row's id behind it: no two rows are equal.

    Every row gets `sort_key`, of which paging makes its cursors.
    """
    users = users.annotate(sort_key=SORT_KEYS[sort.removeprefix("-")])
    sign = "-" if sort.startswith("-") else ""
    return users.order_by(f"{sign}sort_key", f"{sign}id")
