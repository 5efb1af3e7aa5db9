"""The rows of the list as HTML, written by hand: a template takes ten times as long (measured).

The page and the live answer draw by the same function. What is put into an f-string here is a
call of `escape` or of a function of this module, or words that were escaped when they were looked
up (`words.…`): tests/userstatus/users/test_row_html.py reads this file and sees to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from uuid import UUID

from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from common import bidi
from common.addresses import shown
from common.templatetags import look
from common.times import Clock, iso
from provisioning.models import Job
from provisioning.states import JobState, Status
from templates_app.models import Package
from userstatus.statuses import Look
from userstatus.users.rows import Row

#: Stands in an address for the user's own.
_PLACEHOLDER_ID = str(UUID(int=0))


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the rows of one answer have in common.

    Attributes:
        grace: draws a delete that can still be undone, as HTML.
    """

    clock: Clock
    with_template: bool
    with_ticks: bool
    grace: Callable[[Job], str]


@dataclass(frozen=True, slots=True)
class _Words:
    """Words, icons and addresses in one language, all of them HTML already."""

    language: str
    select: str
    actions: str
    none: str
    twin: str
    deleted: str
    more: str
    clock: str
    user: str
    menu: str
    everybody: str
    packages: dict[str, str]
    queued: str
    waiting: str
    jobs: dict[str, str]


def draw(rows: Sequence[Row], context: RowContext) -> str:
    """Draw table rows; the live page knows them by `id` and `data-state`."""
    words = _words(get_language() or "")
    return "".join([_row(row, context, words) for row in rows])


@lru_cache(maxsize=8)
def _words(language: str) -> _Words:
    """Look the words up, once for each language."""
    advice = _(
        "Another user has the same BroadWorks ID. Compare the two, and delete the one that is not "
        "needed."
    )
    return _Words(
        language=language,
        select=escape(_("Select %(user)s")),
        actions=escape(_("Actions for %(user)s")),
        none='<span class="muted" aria-hidden="true">–</span>'
        f'<span class="sr-only">{escape(_("none"))}</span>',
        twin=f'title="{escape(advice)}">{look.icon("users")} {escape(_("Same ID twice"))}',
        deleted=f'<span class="status tone-note">{look.icon("trash")}'
        f" {escape(_('Deleted'))}</span>",
        more=look.icon("more"),
        clock=look.icon("clock"),
        user=escape(reverse("userstatus:user", args=[_PLACEHOLDER_ID])),
        menu=escape(reverse("userstatus:user_menu", args=[_PLACEHOLDER_ID])),
        everybody=escape(reverse("userstatus:all_users")),
        packages={str(item.value): escape(str(item.label)) for item in Package},
        queued=escape(pgettext("job state", "Queued")),
        waiting=escape(pgettext("job state", "Webex is working")),
        jobs={
            JobState.SENDING: escape(pgettext("job state", "Sending")),
            JobState.CHECKING: escape(pgettext("job state", "Checking")),
        },
    )


def _row(row: Row, context: RowContext, words: _Words) -> str:
    user, key = row.user, escape(row.key)
    path, menu = _path(words.user, row), _path(words.menu, row)
    return (
        f'<tr id="u{key}" data-state="{escape(row.state)}"{_going(row)}>\n'
        f"{_tick(row, context, words)}"
        f'<th class="cell-id" scope="row"><a class="row-link" href="{path}">'
        f"{_address(user.broadworks_id, '–')}</a>{_twin(row, words)}</th>\n"
        f'<td class="cell-name" data-cell><bdi>{_foreign(user.name)}</bdi></td>\n'
        f'<td class="cell-mail" data-cell>{_address(user.email, words.none)}</td>\n'
        f"{_template(row, context)}"
        f'<td class="cell-package" data-cell>{_package(user.package, words)}</td>\n'
        f'<td class="cell-status" data-cell>{_status(row, context, words)}</td>\n'
        f'<td class="cell-error" data-cell>{_error(row)}</td>\n'
        f'<td class="cell-time" data-cell>{_time(user.last_change_at, context.clock)}</td>\n'
        '<td class="cell-menu"><a class="btn btn-quiet btn-icon" role="button"'
        f' id="m{key}" href="{path}" data-menu="row-menu" data-menu-url="{menu}"'
        f' aria-expanded="false" aria-label="{_named(words.actions, row)}">{words.more}</a></td>\n'
        "</tr>\n"
    )


def _going(row: Row) -> str:
    return ' class="is-going"' if row.is_going else ""


def _path(path: str, row: Row) -> str:
    return path.replace(_PLACEHOLDER_ID, str(row.user.uuid))


def _named(words: str, row: Row) -> str:
    """A control's name; no two of a page have the same."""
    number = f" ({row.number:d})" if row.number else ""
    return words.replace("%(user)s", escape(bidi.isolated(row.user.broadworks_id))) + number


def _tick(row: Row, context: RowContext, words: _Words) -> str:
    if not context.with_ticks:
        return ""
    return (
        '<td class="cell-tick"><label class="tick"><input type="checkbox" name="id"'
        f' value="{escape(row.key)}" form="users-bulk" data-tick>'
        f'<span class="sr-only">{_named(words.select, row)}</span></label></td>\n'
    )


def _address(value: str, none: str) -> str:
    """An e-mail address or BroadWorks ID as the tag `address` draws it; `none` is HTML."""
    local, at, host = shown(value).rpartition("@")
    if at:
        return look.ADDRESS_HTML.format(_foreign(local), _foreign(host))
    return look.NAME_HTML.format(_foreign(value)) if value else none


def _foreign(text: str) -> str:
    """What stands in a `<bdi>`."""
    return look.foreign(text) if bidi.turns(text) else escape(text)


def _twin(row: Row, words: _Words) -> str:
    if not row.has_twin:
        return ""
    return (
        f' <a class="tag tone-wait" href="{words.everybody}?{escape(row.twin_query)}"'
        f" {words.twin}</a>"
    )


def _template(row: Row, context: RowContext) -> str:
    if not context.with_template:
        return ""
    return f'<td class="cell-template"><bdi>{_foreign(row.user.template.name)}</bdi></td>\n'


def _package(package: str, words: _Words) -> str:
    return words.packages.get(package) or look.foreign(package)


def _status(row: Row, context: RowContext, words: _Words) -> str:
    if row.user.deleted_at:
        return words.deleted
    return (
        f'<div class="row">{_shown(row.user.status, row.look, words.language)}'
        f"{_beside(row, context, words)}</div>{_below(row, context)}"
    )


@lru_cache(maxsize=256)
def _shown(status: str, drawn: Look, language: str) -> str:
    """A status with its icon; `language` is the active one."""
    quiet = " status-quiet" if status == Status.PROVISIONED else ""
    return (
        f'<span class="status tone-{escape(drawn.tone)}{escape(quiet)}">'
        f"{look.icon(drawn.icon, 'spin' if drawn.spins else '')}"
        f" {escape(str(dict(Status.choices).get(status, status)))}</span>"
    )


def _beside(row: Row, context: RowContext, words: _Words) -> str:
    """What stands by the status: the job, or the place on the line."""
    if row.job is None:
        return _line(row.look)
    return "" if row.job.can_be_undone(context.clock.now) else _job(row.job, words, context.clock)


@lru_cache(maxsize=32)
def _line(drawn: Look) -> str:
    if not drawn.stops:
        return ""
    stops = [f'<i class="{escape(stop)}"></i>' if stop else "<i></i>" for stop in drawn.stops]
    return "".join(
        [f'<span class="line tone-{escape(drawn.tone)}" aria-hidden="true">', *stops, "</span>"]
    )


def _below(row: Row, context: RowContext) -> str:
    """What stands below the status: the way to undo a delete, or whose turn it is."""
    if row.job is not None and row.job.can_be_undone(context.clock.now):
        return context.grace(row.job)
    return _turn(row)


def _job(job: Job, words: _Words, clock: Clock) -> str:
    said = _job_words(job, words, clock)
    return f'<span class="tag tag-queued tone-busy">{words.clock} {said}</span>'


def _job_words(job: Job, words: _Words, clock: Clock) -> str:
    if job.state == JobState.QUEUED:
        return f"{words.queued} {escape(clock.short(job.created_at))}"
    return words.jobs.get(job.state, words.waiting)


def _turn(row: Row) -> str:
    turn = row.turn
    if not turn:
        return ""
    return (
        f'<p class="turn">{escape(turn.before)}<b><bdi>{_foreign(turn.name)}</bdi></b>'
        f"{escape(turn.after)}</p>"
    )


def _error(row: Row) -> str:
    if not row.error_title:
        return ""
    return f"<span{_hover(row)}>{_code(row)}<bdi>{_foreign(row.error_title)}</bdi></span>"


def _hover(row: Row) -> str:
    text = row.user.error_text
    return f' title="{escape(bidi.isolated(text))}"' if text != row.error_title else ""


def _code(row: Row) -> str:
    code = row.user.error_code
    return f'<span class="code">{escape(code)}</span> ' if code else ""


def _time(moment: datetime, clock: Clock) -> str:
    exact, said = escape(clock.exact(moment)), escape(clock.relative(moment))
    return look.TIME_HTML.format(iso(moment), exact, said)
