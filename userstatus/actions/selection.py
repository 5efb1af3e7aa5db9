"""Which users of a template a bulk dialog is about: those ticked, or all that the filters leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from provisioning.bulk import limits
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.models import Subscriber
from userstatus.filter_texts import filters_of
from userstatus.requests import ConsoleRequest
from userstatus.row_keys import keys_of
from userstatus.scope import Scope


@dataclass(frozen=True)
class Selection:
    """Users of one template.

    Attributes:
        ids: in the order of the screen; empty when there are more than a batch may have.
        total: how many there are.
        query: the filters that chose them, as a query string; "" when they were ticked.
        words: where they come from, for the reader.
        is_more: there are more than `total`; nobody counted how many.
    """

    ids: tuple[int, ...] = ()
    total: int = 0
    query: str = ""
    words: str = ""
    is_more: bool = False

    @property
    def is_too_large(self) -> bool:
        """More than one batch takes."""
        return self.total > limits.MAX_BATCH_USERS


def read(scope: Scope, data: QueryDict) -> Selection:
    """What a dialog was asked for: `all=on` and the list's filters but for `not`, or `id`.

    `id` and `not` hold keys of rows (rows.short), several of them with dots between, and may be
    repeated. What is no user of the partner is left out without a word.
    """
    if data.get("all") == "on":
        return _matching(scope, scope.chosen(data), set(keys_of(data.getlist("not"))))
    return _ticked(scope, keys_of(data.getlist("id")))


def _matching(scope: Scope, chosen: UserFilter, spared: Collection[int]) -> Selection:
    """One too many is enough to know that they are too many; the rest is not read."""
    matching = filters.narrow(scope.users, chosen, scope.template_ids(chosen))
    users = filters.ordered(matching, chosen.sort)
    first = users.values_list("pk", flat=True)[: limits.MAX_BATCH_USERS + 1 + len(spared)]
    ids = tuple(pk for pk in first if pk not in spared)[: limits.MAX_BATCH_USERS + 1]
    words = filters_of(chosen)
    where = _("all that match %(filters)s") % {"filters": words} if words else _("all users")
    if len(ids) > limits.MAX_BATCH_USERS:
        total, is_capped = scope.finder(chosen).total
        is_more = is_capped or bool(spared)
        return Selection((), len(ids) if is_more else total, chosen.query(), where, is_more)
    return Selection(ids, len(ids), chosen.query(), where)


def _ticked(scope: Scope, wanted: Sequence[int]) -> Selection:
    """Users deleted or gone to another template meanwhile stay in: the verdict names them."""
    if len(wanted) > limits.MAX_BATCH_USERS:
        return Selection((), len(wanted))
    visible = Subscriber.objects.visible_to(scope.user)
    found = set(visible.filter(pk__in=wanted).values_list("pk", flat=True))
    ids = tuple(pk for pk in wanted if pk in found)
    return Selection(ids, len(ids))


def session_mark(request: ConsoleRequest) -> str:
    """Whose ticks they are that a browser's tab keeps: another for each sign-in, and no secret."""
    key = request.session.session_key or ""
    return salted_hmac("userstatus.selection", key).hexdigest()[:16]
