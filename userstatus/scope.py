"""Whose list of users it is: one template's, or all of the partner's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.rights import Right, may
from common import sql
from common.folding import sort_key
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from provisioning.models import Subscriber
from templates_app.models import OnboardingTemplate
from userstatus.requests import ConsoleRequest


@dataclass(frozen=True)
class Scope:
    """Whose list: one template's users, or all of the partner's."""

    user: User
    template: OnboardingTemplate | None

    @cached_property
    def users(self) -> QuerySet[Subscriber]:
        """Live users that the person may see."""
        users: QuerySet[Subscriber] = Subscriber.objects.visible_to(self.user).live()
        return users.filter(template=self.template) if self.template else users

    @property
    def path(self) -> str:
        """Address of the list without its filters."""
        return self._reverse("users", "all_users")

    @property
    def live_path(self) -> str:
        return self._reverse("users_live", "all_users_live")

    @property
    def export_path(self) -> str:
        return self._reverse("export_start", "export_all_start")

    @property
    def enterprises_path(self) -> str:
        return self._reverse("enterprises", "all_enterprises")

    @property
    def can_tick(self) -> bool:
        """Whoever sees the list can tick users, to export them at the least."""
        return may(self.user, Right.SEE)

    @property
    def selected_path(self) -> str:
        return self._reverse("selected", "all_selected")

    @cached_property
    def templates(self) -> list[OnboardingTemplate]:
        """All templates that the list's users can belong to."""
        if self.template:
            return [self.template]
        found: QuerySet[Any] = OnboardingTemplate.objects.visible_to(self.user)
        return sorted(found, key=lambda template: (sort_key(template.name), template.pk))

    def template_ids(self, chosen: UserFilter) -> list[int]:
        """The templates that the filter leaves of the list's."""
        return [t.pk for t in self.templates if chosen.template in (None, t.uuid)]

    def finder(self, chosen: UserFilter, users: QuerySet[Subscriber] | None = None) -> Finder:
        """Whoever finds and counts the users of this list."""
        wanted = self.template_ids(chosen)
        # A poll counts by the tallies alone, and needs no query of users.
        found: Any = SimpleLazyObject(lambda: self.users) if users is None else users
        if len(wanted) == 1 and not self.template:
            found = found.filter(template=wanted[0])
        return Finder(found, wanted, chosen)

    def _reverse(self, one: str, every: str) -> str:
        if self.template:
            return reverse(f"userstatus:{one}", args=[self.template.uuid])
        return reverse(f"userstatus:{every}")

    def chosen(self, data: QueryDict) -> UserFilter:
        """The filter of a query string; on a template's own page `template` means nothing."""
        chosen = filters.parse(data)
        return replace(chosen, template=None) if self.template else chosen


#: A template of the reader's partner: each poll of an open page asks for it.
_BY_UUID = "WHERE partner_id = %(partner)s AND uuid = %(uuid)s"


def scope_of(
    request: ConsoleRequest, uuid: UUID | None, known: Sequence[OnboardingTemplate] | None = None
) -> Scope:
    """Whose list this is; a template that is not the partner's is 404 like a missing one.

    `known` are the partner's templates, where they were read already.
    """
    if uuid is None:
        return Scope(request.user, None)
    if known is None:
        values = {"partner": request.user.partner_id, "uuid": uuid}
        known = sql.rows_prepared(OnboardingTemplate, _BY_UUID, values)
    template = next((one for one in known if one.uuid == uuid), None)
    if template is None:
        raise Http404
    return Scope(request.user, template)
