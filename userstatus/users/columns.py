"""The table of users, declared: columns, their order, headers and what can be sorted.

The declaration is django-tables2's; rows are drawn by row_html.py, because its drawing of cells
costs more than the query (ten times, measured on 50 rows).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from provisioning.lists.filters import UserFilter


def _head(css: str) -> dict[str, dict[str, str]]:
    return {"th": {"class": css}}


class UserTable(tables.Table):
    """Columns of User status (DESIGN section 6)."""

    broadworks_id = tables.Column(verbose_name=_("BroadWorks ID"), attrs=_head("cell-id"))
    name = tables.Column(verbose_name=_("Name"), attrs=_head("cell-name"))
    email = tables.Column(
        verbose_name=_("Email address"), attrs=_head("cell-mail"), orderable=False
    )
    template = tables.Column(
        verbose_name=_("Template"), attrs=_head("cell-template"), orderable=False
    )
    package = tables.Column(
        verbose_name=_("Package type"), attrs=_head("cell-package"), orderable=False
    )
    status = tables.Column(verbose_name=_("Status"), attrs=_head("cell-status"), orderable=False)
    error = tables.Column(verbose_name=_("Error"), attrs=_head("cell-error"), orderable=False)
    last_change = tables.Column(verbose_name=_("Last change"), attrs=_head("cell-time"))


#: Newest first is the first click on Last change, A first on the others.
_FIRST_DESCENDING = {"last_change"}


@dataclass(frozen=True)
class Header:
    """One header cell.

    Attributes:
        query: query string of the sort link; None when the column cannot be sorted.
        aria_sort: `ascending`, `descending` or "".
    """

    label: str
    css: str
    query: str | None = None
    aria_sort: str = ""


def headers(chosen: UserFilter, size: int | str, *, with_template: bool) -> list[Header]:
    """The header of the list in its present order; a click on the sorted column turns it."""
    return [_header(column, chosen, size) for column in _columns(with_template=with_template)]


@cache
def _columns(*, with_template: bool) -> list[tables.columns.BoundColumn]:
    table = UserTable([], exclude=() if with_template else ("template",))
    return list(table.columns)


def _header(column: tables.columns.BoundColumn, chosen: UserFilter, size: int | str) -> Header:
    label, css = str(column.header), column.column.attrs["th"]["class"]
    if not column.orderable:
        return Header(label, css)
    sign = "-" if column.name in _FIRST_DESCENDING else ""
    first, other = f"{sign}{column.name}", f"{'' if sign else '-'}{column.name}"
    following = other if chosen.sort == first else first
    directions = {column.name: "ascending", f"-{column.name}": "descending"}
    query = replace(chosen, sort=following).query(per_page=size)
    return Header(label, css, query, directions.get(chosen.sort, ""))
