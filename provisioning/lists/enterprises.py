"""Which enterprises a list of users has: there may be tens of thousands, so they are searched for.

Only ids of templates are asked for, never the partner: then an index holds all that is read.
(Stepping from one name to the next in that index reads less, but not sooner, measured on
1,000,000 users of 20,000 enterprises in 8 templates: 670 ms against 110 ms.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from common import folding
from provisioning.models import Subscriber
from templates_app.models import OnboardingTemplate

#: As many are shown at once.
MAX_SHOWN = 50


@dataclass(frozen=True)
class Found:
    """At most MAX_SHOWN enterprise IDs in the order of the alphabet, and whether there are more."""

    names: list[str]
    has_more: bool


def matching(template_ids: Sequence[int], find: str) -> Found:
    """Search the enterprises of the templates' live users; one query.

    Arguments:
        template_ids: templates that the reader may see; whose users they are is not asked again.
        find: any part of the name, as typed; letters are folded as in the search. Nothing: all.
    """
    wanted = folding.folded(find).strip()
    names = _containing(template_ids, wanted) if wanted else _first(template_ids)
    return Found(nsmallest(MAX_SHOWN, names, key=folding.sort_key), len(names) > MAX_SHOWN)


def _containing(template_ids: Sequence[int], wanted: str) -> list[str]:
    users = Subscriber.objects.live().filter(template_id__in=template_ids).order_by()
    names = users.values_list("enterprise_id", flat=True).distinct()
    return [name for name in names if wanted in folding.folded(name)]


def _first(template_ids: Sequence[int]) -> set[str]:
    """The first of each template: enough to know the first of all."""
    users = Subscriber.objects.live().filter(template_id=OuterRef("pk"), enterprise_id__gt="")
    each = users.order_by("enterprise_id").values("enterprise_id").distinct()[: MAX_SHOWN + 1]
    templates = OnboardingTemplate.objects.filter(pk__in=template_ids).order_by()
    lists = templates.values_list(ArraySubquery(each), flat=True)
    return {name for names in lists for name in names}
