"""The search of User status: any part of BroadWorks ID, name, e-mail address or phone number.

How letters are folded and texts are cut into pieces is said once, by functions of the database
(search_functions.sql); a search looks the pieces up in an index and then reads the texts found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
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
    TextField,
    Value,
)

from provisioning.models import Subscriber, UserText
from provisioning.models.lists import GRAMS

#: Documents write some of the dashes with characters of their own.
_BETWEEN = r"\d\s+()./\u2010-\u2015\u2212-"
_PHONE = re.compile(rf"[{_BETWEEN}]*\d[{_BETWEEN}]*")


class _Folded(Func):
    function = "provisioning_folded"
    output_field = TextField()


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

    @property
    def words(self) -> list[str]:
        """The words; a phone number is one, whatever stands between its digits."""
        return self.text.split()

    @property
    def digits(self) -> str:
        """The digits of what may be a phone number, else nothing."""
        return re.sub(r"\D", "", self.text) if _PHONE.fullmatch(self.text) else ""

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
        if not self.digits:
            return self._all(self.words, text, grams)
        if self.digits == self.text:
            return self._all([self.text], text, grams)
        literally = self._all([self.text], text, grams)
        return literally | self._all([self.digits], text, grams)

    @staticmethod
    def _all(words: Sequence[str], text: str, grams: str) -> Q:
        condition = Q()
        for word in words:
            condition &= Q(**{f"{text}__contains": _Folded(Value(word))})
            if grams and len(word) > 1:  # one letter is in no index
                condition &= Q(**{f"{grams}__contains": _GramsOf(Value(word))})
        return condition
