"""What the page User status shows: a page of rows, counts, filters on offer, and its notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User, connection_of
from provisioning.lists import live_changes
from provisioning.lists.filters import UserFilter
from provisioning.models import Subscriber
from userstatus.connection_texts import SyncAge, sync_age
from userstatus.row_keys import short
from userstatus.scope import Scope
from userstatus.users import columns, paging
from userstatus.users.empty import EmptyState, empty_state
from userstatus.users.facets import Facets, facets_of
from userstatus.users.notes import notes_of
from userstatus.users.paging import Page, PageRequest
from userstatus.users.rows import Row, rows_of
from userstatus.users.status_ribbon import StatusCount, ribbon_of

#: Columns that a row draws or its turn is made of.
SHOWN_COLUMNS = [
    *("uuid", "partner", "broadworks_id", "first_name", "last_name", "email", "package"),
    *("backend_status", "status", "error_code", "error_text", "last_change_at", "version"),
    *("deleted_at", "template__name", "template__uuid"),
]
#: The same of the row itself.
OWN_COLUMNS = [*(name for name in SHOWN_COLUMNS if "__" not in name), "template_id"]


@dataclass(frozen=True)
class UserList:
    """Everything the page draws."""

    scope: Scope
    chosen: UserFilter
    page_request: PageRequest
    page: Page
    rows: list[Row]
    ribbon: list[StatusCount]
    facets: Facets
    headers: list[columns.Header]
    notes: list[str]
    empty: EmptyState | None
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
        chosen, size = self.chosen, size_of(self.page_request)
        back, on = self.page.previous, self.page.following
        return {
            "first": chosen.query(per_page=size) if back else None,
            "previous": chosen.query(per_page=size, before=back) if back else None,
            "next": chosen.query(per_page=size, after=on) if on else None,
            "last": chosen.query(per_page=size, before=paging.END) if on else None,
        }


def user_list(
    scope: Scope, chosen: UserFilter, page_request: PageRequest, now: datetime
) -> UserList:
    """The list by a filter, at a place; few queries, whatever the number of rows."""
    finder = scope.finder(chosen, scope.users.only(*OWN_COLUMNS))
    page = paging.page(finder, page_request)
    _attach_templates(scope, page.rows)
    facets = facets_of(finder, [] if scope.template else scope.templates)
    size = size_of(page_request)
    return UserList(
        scope=scope,
        chosen=chosen,
        page_request=page_request,
        page=page,
        rows=rows_of(page.rows, now=now),
        ribbon=ribbon_of(finder.by_status, chosen, size),
        facets=facets,
        headers=columns.headers(chosen, size, with_template=scope.template is None),
        notes=notes_of(finder, page_request, page, facets),
        empty=None if page.rows else empty_state(finder, scope.finder, facets.everyone),
        sync=sync_of(scope.user, now),
        newest=live_changes.newest(),
    )


def status_counts(scope: Scope, chosen: UserFilter) -> Counter[str] | None:
    """How many users each status has under all other filters; None when they are not counted."""
    return scope.finder(chosen).by_status


def _attach_templates(scope: Scope, rows: Sequence[Subscriber]) -> None:
    """Give the rows their templates, which are known: a join would make one for each row.

    One that was made since they were read is read by itself, when the row is drawn.
    """
    known = {template.pk: template for template in scope.templates}
    for row in rows:
        if row.template_id in known:
            row.template = known[row.template_id]


def size_of(page_request: PageRequest) -> int | str:
    """`per_page` for links: nothing when it is as it is by itself."""
    return page_request.size if page_request.size != paging.DEFAULT_SIZE else ""


def sync_of(user: User, now: datetime) -> SyncAge:
    """How fresh the partner's rows are."""
    return sync_age(connection_of(user), now)
