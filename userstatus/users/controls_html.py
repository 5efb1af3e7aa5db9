"""Header, status cells, options and the bar's buttons as HTML, written by hand like the rows.

The rule of row_html.py holds here too, and its test reads this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common import bidi
from common.templatetags import look
from userstatus.actions.registry import BULK_ACTIONS, BulkOffer
from userstatus.users.columns import Header
from userstatus.users.facets import Option
from userstatus.users.status_ribbon import StatusCount

#: Icon and further classes of the arrow in a sorted column's header.
_ARROWS = {"descending": ("sort-down", ""), "ascending": ("sort-down", "sort-up")}


def header_cells(headers: Sequence[Header], path: str) -> str:
    """Draw the header of the table; a column that can be sorted is a link."""
    return "".join([_header(header, path) for header in headers])


def _header(header: Header, path: str) -> str:
    return (
        f'<th class="{escape(header.css)}" scope="col"{_attribute("aria-sort", header.aria_sort)}>'
        f"{_head(header, path)}</th>\n"
    )


def _head(header: Header, path: str) -> str:
    if header.query is None:
        return escape(header.label)
    return (
        f'<a class="sort" href="{_address(path, header.query)}" data-list-link>'
        f"{escape(header.label)}{_arrow(header)}</a>"
    )


def _arrow(header: Header) -> str:
    arrow = _ARROWS.get(header.aria_sort)
    return f" {look.icon(*arrow)}" if arrow else ""


def ribbon_cells(cells: Sequence[StatusCount], path: str) -> str:
    """Draw the statuses with their counts, each a link that adds or lifts its filter."""
    return "".join([_cell(number, cell, path) for number, cell in enumerate(cells)])


def _cell(number: int, cell: StatusCount, path: str) -> str:
    return (
        f'<a class="ribbon-cell" id="ribbon-{number:d}" href="{_address(path, cell.query)}"'
        f" data-list-link{_attribute('aria-current', 'true' if cell.is_chosen else '')}>\n"
        f"{_name(cell)}{escape(cell.label)}{_chosen(cell)}</span>\n"
        f'<span class="ribbon-count" data-count="{escape(cell.word)}">'
        f"{escape(look.figure(cell.count))}</span>\n</a>\n"
    )


def _name(cell: StatusCount) -> str:
    if cell.look is None:
        return '<span class="ribbon-name">'
    return f'<span class="ribbon-name tone-{escape(cell.look.tone)}">{look.icon(cell.look.icon)} '


def _chosen(cell: StatusCount) -> str:
    if not (cell.is_chosen and cell.word):
        return ""
    return f'<span class="sr-only">, {escape(_("chosen"))}</span>'


def filter_options(options: Sequence[Option], name: str, kind: str) -> str:
    """Draw the options of a panel; `kind` is `radio` or `checkbox`."""
    return "".join([_option(option, name, kind) for option in options])


def _option(option: Option, name: str, kind: str) -> str:
    return (
        f'<label class="check filter-option"><input type="{escape(kind)}" name="{escape(name)}"'
        f' value="{escape(option.value)}"{_checked(option)}> <span class="break">{_code(option)}'
        f"<bdi>{escape(bidi.neutral(option.label))}</bdi></span>{_count(option)}</label>\n"
    )


def _checked(option: Option) -> str:
    return " checked" if option.is_chosen else ""


def _code(option: Option) -> str:
    return f'<span class="code">{escape(option.code)}</span> ' if option.code else ""


def _count(option: Option) -> str:
    if option.count is None:
        return ""
    return f' <span class="count">{escape(look.figure(option.count))}</span>'


def select_options(choices: Iterable[tuple[Any, Any]], chosen: Any) -> str:
    """Draw the options of a select from their values and labels."""
    return "".join([_choice(value, label, chosen) for value, label in choices])


def _choice(value: Any, label: Any, chosen: Any) -> str:
    return (
        f'<option value="{escape(str(value))}"{_selected(value == chosen)}>'
        f"{escape(bidi.isolated(str(label)))}</option>"
    )


def _selected(is_chosen: bool) -> str:
    return " selected" if is_chosen else ""


def bulk_buttons(offers: Sequence[BulkOffer]) -> str:
    """Draw the actions of the bar; the last one is the one that is wanted most."""
    language, last = get_language() or "", len(offers) - 1
    return "".join(
        [_button(offer, language, is_last=number == last) for number, offer in enumerate(offers)]
    )


def _button(offer: BulkOffer, language: str, *, is_last: bool) -> str:
    tone = " btn-primary" if is_last else " btn-text-danger" if offer.action.is_danger else ""
    return (
        f'<button class="btn{escape(tone)}" type="submit" form="users-bulk"'
        f' formaction="{escape(offer.url)}">{_bar_words(offer.action.name, language, is_last)}'
        "</button>\n"
    )


@lru_cache(maxsize=32)
def _bar_words(name: str, language: str, is_last: bool) -> str:
    """Icon and words of an action's button; `language` is the active one."""
    (action,) = [one for one in BULK_ACTIONS if one.name == name]
    assert action.bulk is not None  # noqa: S101 -- it stands in BULK_ACTIONS
    said, narrow = action.bulk.words, "" if is_last else "label-wide"
    return (
        f"{look.icon(action.icon)} <span{_attribute('class', narrow)}"
        f' data-one="{escape(said.one)}" data-many="{escape(said.many)}"'
        f' data-some="{escape(str(said.bar))}">{escape(str(said.bar))}</span>'
    )


def _address(path: str, query: str) -> str:
    return escape(path + "?" + query) if query else escape(path)


def _attribute(name: str, value: str) -> str:
    return f' {escape(name)}="{escape(value)}"' if value else ""
