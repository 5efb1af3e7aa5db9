"""The search of Django admin over names, by the folding that User status searches by."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.operations_admin import ModelAdmin
from common import folding


class FoldedNames(ModelAdmin):
    """Finds in addition rows whose `folded_names` have every word; for tables of some thousands."""

    folded_names: ClassVar[tuple[str, ...]] = ("name",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not (words := _spellings(search_term).split()):
            return found, may_repeat
        rows = queryset.order_by().values_list("pk", *self.folded_names)
        keys = [key for key, *names in rows if _has_all(_spellings(" ".join(names)), words)]
        return queryset.filter(Q(pk__in=found.values("pk")) | Q(pk__in=keys)), may_repeat


def _spellings(text: str) -> str:
    return folding.spelled(folding.folded(text))


def _has_all(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)
