"""What the page User status shows: a page of rows, counts, filters on offer, and its notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import User, connection_of
from accounts.rights import Right, may
from provisioning import arrivals, filtering
from provisioning.filtering import UserFilter
from provisioning.finding import Finder
from provisioning.models import Subscriber
from templates_app.models import OnboardingTemplate
from userstatus import paging, tables
from userstatus.empty import Empty, empty_state
from userstatus.facets import Facets, facets_of
from userstatus.notes import notes_of
from userstatus.paging import Page, Place
from userstatus.ribbon import StatusCount, ribbon_of
from userstatus.rows import Row, rows_of, short
from userstatus.sync_age import SyncAge, sync_age

#: Columns that a row draws or its turn is made of.
DRAWN = [
    *("uuid", "partner", "broadworks_id", "first_name", "last_name", "email", "package"),
    *("backend_status", "status", "error_code", "error_text", "last_change_at", "version"),
    *("deleted_at", "template__name", "template__uuid"),
]
#: The same of the row itself.
OWN = [*(name for name in DRAWN if "__" not in name), "template_id"]


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
        """Address that the live page asks."""
        return self._reverse("users_live", "all_users_live")

    @property
    def export_path(self) -> str:
        """Address that starts an export."""
        return self._reverse("export_start", "export_all_start")

    @property
    def enterprises_path(self) -> str:
        """Address that the enterprise filter asks."""
        return self._reverse("enterprises", "all_enterprises")

    @property
    def can_tick(self) -> bool:
        """Whoever sees the list can tick users, to export them at the least."""
        return may(self.user, Right.SEE)

    @property
    def can_act(self) -> bool:
        """Something can be changed for many at once: on one template's page, by who may act."""
        return self.template is not None and may(self.user, Right.ACT)

    @property
    def selected_path(self) -> str:
        """Address that lists what is ticked."""
        return self._reverse("selected", "all_selected")

    @cached_property
    def templates(self) -> list[OnboardingTemplate]:
        """All templates that the list's users can belong to."""
        if self.template:
            return [self.template]
        found: QuerySet[Any] = OnboardingTemplate.objects.visible_to(self.user)
        return list(found.order_by("name", "pk"))

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
        chosen = filtering.parse(data)
        return replace(chosen, template=None) if self.template else chosen


@dataclass(frozen=True)
class UserList:
    """Everything the page draws."""

    scope: Scope
    chosen: UserFilter
    place: Place
    page: Page
    rows: list[Row]
    ribbon: list[StatusCount]
    facets: Facets
    headers: list[tables.Header]
    notes: list[str]
    empty: Empty | None
    sync: SyncAge
    newest: int

    @property
    def query(self) -> str:
        """Filters and order, without the place: what the export takes."""
        return self.chosen.query()

    @property
    def newest_key(self) -> str:
        """Rows beyond this one arrived after the page was made."""
        return short(self.newest)

    @property
    def is_busy(self) -> bool:
        """Something on the page is unfinished."""
        return any(row.is_busy for row in self.rows)

    @property
    def pages(self) -> dict[str, str | None]:
        """Query strings of the other pages, None where there is none."""
        chosen, size = self.chosen, size_of(self.place)
        back, on = self.page.previous, self.page.following
        return {
            "first": chosen.query(per_page=size) if back else None,
            "previous": chosen.query(per_page=size, before=back) if back else None,
            "next": chosen.query(per_page=size, after=on) if on else None,
            "last": chosen.query(per_page=size, before=paging.END) if on else None,
        }


def user_list(scope: Scope, data: QueryDict, now: datetime) -> UserList:
    """The list for a query string; few queries, whatever the number of rows."""
    chosen, place = scope.chosen(data), Place.parse(data)
    finder = scope.finder(chosen, scope.users.only(*OWN))
    page = paging.page(finder, place)
    _put_templates(scope, page.rows)
    facets = facets_of(finder, [] if scope.template else scope.templates)
    size = size_of(place)
    return UserList(
        scope=scope,
        chosen=chosen,
        place=place,
        page=page,
        rows=rows_of(page.rows, now=now),
        ribbon=ribbon_of(finder.by_status, chosen, size),
        facets=facets,
        headers=tables.headers(chosen, size, with_template=scope.template is None),
        notes=notes_of(finder, place, page, facets),
        empty=None if page.rows else empty_state(finder, scope.finder, facets.everyone),
        sync=sync_of(scope.user, now),
        newest=arrivals.newest(),
    )


def status_counts(scope: Scope, chosen: UserFilter) -> Counter[str] | None:
    """How many users each status has under all other filters; None when they are not counted."""
    return scope.finder(chosen).by_status


def _put_templates(scope: Scope, rows: Sequence[Subscriber]) -> None:
    """Give the rows their templates, which are known: a join would make one for each row.

    One that was made since they were read is read by itself, when the row is drawn.
    """
    known = {template.pk: template for template in scope.templates}
    for row in rows:
        if row.template_id in known:
            row.template = known[row.template_id]


def size_of(place: Place) -> int | str:
    """`per_page` for links: nothing when it is as it is by itself."""
    return place.size if place.size != paging.DEFAULT_SIZE else ""


def sync_of(user: User, now: datetime) -> SyncAge:
    """How fresh the partner's rows are."""
    return sync_age(connection_of(user), now)
