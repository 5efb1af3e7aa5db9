"""The search of User status: any part of BroadWorks ID, name, e-mail address or phone number.

Letters are folded by common.folding, as the database folded those of the texts (folding.sql). It
also cuts texts into pieces (search_functions.sql); a search looks the pieces up in an index and
then reads the texts found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from common import folding
from provisioning.lists import phone_search
from provisioning.models import Subscriber, UserText
from provisioning.models.lists import GRAMS

#: A label of a domain that a computer has written.
_ENCODED = re.compile(r"\bxn--([a-z0-9-]+)")


class _GramsOf(Func):
    function = "provisioning_grams_of"
    output_field = ArrayField(IntegerField())


class IsIn(Func):
    """The first is one of the array that is the second."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


@dataclass(frozen=True)
class Search:
    """What is looked for: every word must be somewhere, a phone number may be written anyhow.

    Attributes:
        text: as typed, at most filtering.SEARCH_LENGTH characters, not empty.
    """

    text: str

    @cached_property
    def words(self) -> list[list[str]]:
        """The words, folded; each in the spellings of which one must be there."""
        return [_spellings(word) for word in folding.folded(self.text).split()]

    @cached_property
    def phone(self) -> phone_search.Phone | None:
        """The number, if the whole text may be one."""
        return phone_search.read(self.text)

    def narrow(
        self, users: QuerySet[Subscriber], templates: Collection[int] | None = None
    ) -> QuerySet[Subscriber]:
        """Those of the users that match, however many; they are of these templates, or of any.

        The texts are read one by one, half a second for a million, whatever is looked for. Asked
        by the index for a word that nearly everybody has, PostgreSQL would rather cut each text
        into pieces anew: 43 seconds for 300,000, where reading them took 0.15.
        """
        texts: Any = UserText.objects.filter(self.condition)
        if templates is not None:
            texts = texts.filter(template_id__in=templates)
        return users.filter(pk__in=texts.values("pk"))

    def found(
        self, templates: Collection[int] | None = None, *, is_rare: bool = False
    ) -> QuerySet[UserText]:
        """What the index finds, in these templates or in all; for all that match see `narrow`.

        The index is asked for the templates along with the words, unless `is_rare`: then those of
        other templates are left out afterwards.
        """
        texts: Any = UserText.objects.alias(grams=GRAMS)
        if templates is not None and is_rare:
            texts = texts.filter(template_id__in=templates)
        elif templates is not None:
            texts = texts.filter(grams__overlap=[-key for key in templates])
        found: QuerySet[UserText] = texts.filter(self._condition("text", "grams"))
        return found

    def reading(self, ids: Any) -> QuerySet[UserText]:
        """Those of some thousand users that match, by reading the text of each.

        `ids` are those users', or a query for them, or for one array of them: then PostgreSQL
        looks each up, however many it thinks there are.
        """
        texts = UserText.objects.filter(self.condition)
        if isinstance(ids, ArraySubquery):
            return texts.filter(IsIn(F("pk"), ids))
        found: QuerySet[UserText] = texts.filter(pk__in=ids)
        return found

    @property
    def condition(self) -> Q:
        """What a UserText must be, by reading it."""
        return self._condition("text")

    def among(self, users: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        """The same of users; they keep their order."""
        own = UserText.objects.filter(pk=OuterRef("pk")).values("text")
        read: Any = users.alias(search_words=Subquery(own))
        matching: QuerySet[Subscriber] = read.filter(self._condition("search_words"))
        return matching

    def _condition(self, text: str, grams: str = "") -> Q:
        if not self.phone:
            return _all(self.words, text, grams)
        whole = [folding.folded(self.text).strip()]
        if not self.phone.extension:
            return _all([[*dict.fromkeys(whole + self.phone.spellings)]], text, grams)
        number = [self.phone.spellings, [self.phone.extension]]
        return _all([whole], text, grams) | _all(number, text, grams)


def _spellings(word: str) -> list[str]:
    """A folded word, and how others may write or see it."""
    seen = folding.folded(_ENCODED.sub(_decoded, word))
    spelled = folding.spelled(seen)
    return list(dict.fromkeys([word, seen, spelled if len(spelled) > 1 else seen]))


def _decoded(label: re.Match[str]) -> str:
    try:
        return label[1].encode("ascii").decode("punycode")
    except UnicodeError:
        return label[0]


def _all(words: Sequence[Sequence[str]], text: str, grams: str) -> Q:
    """One spelling of each word is there; of no words at all nobody is meant."""
    condition = Q() if words else Q(pk__in=[])
    for spellings in words:
        condition &= reduce(or_, [_has(one, text, grams) for one in spellings])
    return condition


def _has(word: str, text: str, grams: str) -> Q:
    found = Q(**{f"{text}__contains": word})
    if grams and len(word) > 1:  # one letter is in no index
        found &= Q(**{f"{grams}__contains": _GramsOf(Value(word))})
    return found
