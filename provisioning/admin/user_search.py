"""Finding users of all partners for Django admin: by indexes alone, at a million users too."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BackendConnection
from provisioning.lists import filters, selectivity
from provisioning.lists.finder import RARE
from provisioning.lists.search import Search
from provisioning.models import Subscriber, UserText

#: Of a search that finds more, some are shown.
MAX_FOUND = 10_000
#: Of a Webex ID, as long as its column.
MAX_LENGTH = 300


def looked_up(users: QuerySet[Subscriber], text: str) -> QuerySet[Subscriber]:
    """Those of the users with this UUID or Webex ID, or whom the search of User status finds.

    Of deleted ones only the whole BroadWorks ID is known to an index.
    """
    term = filters.clean(text, filters.SEARCH_LENGTH)
    named = filters.clean(text, MAX_LENGTH)
    if not term:
        return users
    everybody = Subscriber.objects.order_by()
    connections = BackendConnection.objects.values("pk")
    whole = [
        everybody.filter(deleted_at=None, connection__in=connections, webex_id=named),
        everybody.filter(deleted_at__isnull=False, connection__in=connections, webex_id=named),
        everybody.filter(deleted_at__isnull=False, broadworks_id__iexact=named),
    ]
    ids = {key for found in whole for key in found.values_list("pk", flat=True)}
    ids |= set(_found(Search(term)).values_list("pk", flat=True)[:MAX_FOUND])
    ids |= set(everybody.filter(uuid__in=_uuids(term)).values_list("pk", flat=True))
    return users.filter(pk__in=ids)


def _found(search: Search) -> QuerySet[UserText]:
    """What the index finds; some of a word that many have are sooner met by reading texts."""
    newest = Subscriber.objects.live().order_by("-pk").values("pk")
    is_rare = selectivity.newest(search, newest).share < RARE
    return search.found() if is_rare else UserText.objects.filter(search.condition)


def _uuids(text: str) -> list[UUID]:
    try:
        return [UUID(text)]
    except ValueError:
        return []
