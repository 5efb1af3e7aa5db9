"""The repeated parts of the list: rows, header, status cells, options of a filter.

Tags written in Python, because a template takes ten times as long for each (measured).
"""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.template.base import Parser, Token
from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common.templatetags.look import Clock, figure, icon
from provisioning.models import Job
from userstatus import row_markup
from userstatus.facets import Option
from userstatus.ribbon import StatusCount
from userstatus.row_markup import Sheet
from userstatus.tables import Header
from userstatus.templatetags.undo import grace

register = template.Library()

_CELL = """
  <a class="ribbon-cell" id="ribbon-{}" href="{}{}" data-list-link{}>
    <span class="ribbon-name{}{}">{}{}{}</span>
    <span class="ribbon-count" data-count="{}">{}</span>
  </a>"""
_HEADER = """
        <th class="{}" scope="col"{}>{}</th>"""
_SORT = '<a class="sort" href="{}{}" data-list-link>{}{}</a>'
_OPTION = """
    <label class="check filter-option"><input type="{}" name="{}" value="{}"{}>\
 <span class="break">{}<bdi>{}</bdi></span>{}</label>"""


class UserRows(template.Node):
    """Draws the context's `rows` as `now`, `with_template` and `with_ticks` say."""

    def render(self, context: template.Context) -> str:
        def drawn_grace(job: Job) -> str:
            return get_template("userstatus/jobs/_grace.html").render(grace(context, job))

        sheet = Sheet(
            clock=Clock.of_reader(context["now"]),
            with_template=bool(context["with_template"]),
            with_ticks=bool(context["with_ticks"]),
            grace=drawn_grace,
        )
        return row_markup.draw(context["rows"], sheet)


@register.tag
def user_rows(_parser: Parser, _token: Token) -> UserRows:
    """Draw rows of the list: `{% user_rows %}`."""
    return UserRows()


@register.simple_tag
def header_cells(headers: Sequence[Header], path: str) -> SafeString:
    """Draw the header of the table; a column that can be sorted is a link."""
    return format_html_join("", _HEADER, ((h.css, _sorted(h), _head(h, path)) for h in headers))


def _sorted(header: Header) -> SafeString | str:
    return format_html(' aria-sort="{}"', header.aria_sort) if header.aria_sort else ""


def _head(header: Header, path: str) -> SafeString | str:
    if header.query is None:
        return header.label
    arrows = {"descending": ("sort-down", ""), "ascending": ("sort-down", "sort-up")}
    arrow = arrows.get(header.aria_sort)
    mark = format_html(" {}", icon(*arrow)) if arrow else ""
    return format_html(_SORT, path, _asking(header.query), header.label, mark)


def _asking(query: str) -> str:
    return f"?{query}" if query else ""


@register.simple_tag
def ribbon_cells(cells: Sequence[StatusCount], path: str) -> SafeString:
    """Draw the statuses with their counts, each a link that adds or lifts its filter."""
    return format_html_join("", _CELL, (_cell(n, cell, path) for n, cell in enumerate(cells)))


def _cell(number: int, cell: StatusCount, path: str) -> tuple[object, ...]:
    here = format_html(' aria-current="{}"', "true") if cell.is_chosen else ""
    mark = format_html("{} ", icon(cell.look.icon)) if cell.look else ""
    chosen = format_html('<span class="sr-only">, {}</span>', _("chosen"))
    return (
        *(number, path, _asking(cell.query), here),
        *(" tone-" if cell.look else "", cell.look.tone if cell.look else "", mark, cell.label),
        chosen if cell.is_chosen and cell.word else "",
        *(cell.word, figure(cell.count)),
    )


@register.simple_tag
def filter_options(options: Sequence[Option], name: str, kind: str) -> SafeString:
    """Draw the options of a panel; `kind` is `radio` or `checkbox`."""
    return format_html_join("", _OPTION, (_option(option, name, kind) for option in options))


def _option(option: Option, name: str, kind: str) -> tuple[object, ...]:
    code = format_html('<span class="code">{}</span> ', option.code) if option.code else ""
    count = (
        format_html(' <span class="count">{}</span>', figure(option.count))
        if option.count is not None
        else ""
    )
    checked = " checked" if option.is_chosen else ""
    return kind, name, option.value, checked, code, option.label, count
