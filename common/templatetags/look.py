"""Template tags of the visual design: icons, times, addresses, figures, navigation marks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import template
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.translation import get_language, ngettext

from common import addresses, bidi, clock
from common.times import Clock, iso

if TYPE_CHECKING:
    from django.template.base import Parser, Token
    from django.utils.safestring import SafeString

register = template.Library()


#: Frames that the rows of the list are drawn with as well (userstatus/users/row_html.py).
TIME_HTML = '<time datetime="{}" title="{}" data-relative>{}</time>'
NAME_HTML = '<bdi dir="ltr">{}</bdi>'
ADDRESS_HTML = '<bdi dir="ltr">{}<wbr><span class="host">@{}</span></bdi>'


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """Draw a symbol of `static/icons.svg`; `classes` are added to `icon`, for example `spin`."""
    return _use(name, f"icon {classes}".strip())


@register.simple_tag
def product_logo() -> SafeString:
    """Draw the product's own mark."""
    return _use("mark", "mark")


@register.simple_tag
def portal_logo() -> SafeString:
    """Draw the stand-in for a partner without a logo."""
    return _use("partner", "portal-logo")


@lru_cache(maxsize=512)
def _use(name: str, classes: str) -> SafeString:
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        classes,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def relative_time(moment: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Say how long ago a moment was, as `<time>` with the exact time as its title.

    Without a moment: a dash.
    """
    if moment is None:
        return "–"
    reader = Clock.of_reader(now or clock.now())
    return format_html(TIME_HTML, iso(moment), reader.exact(moment), reader.relative(moment))


@register.simple_tag
def exact_time(moment: datetime | None) -> SafeString | str:
    """Write date and time in the reader's language and the active time zone, as `<time>`."""
    if moment is None:
        return "–"
    exact = Clock.of_reader(moment).exact(moment)
    return format_html('<time datetime="{}">{}</time>', iso(moment), exact)


@register.simple_tag
def address(value: str | None) -> SafeString | str:
    """Write an e-mail address or BroadWorks ID so that it breaks before the @; a dash for none.

    The domain is shown in its own letters where that is safe (`addresses.shown`). Addresses run
    from left to right whatever letters they are made of, or host and name would change places.
    """
    if not value:
        return "–"
    local, at, host = addresses.shown(value).rpartition("@")
    if at:
        return format_html(ADDRESS_HTML, foreign(local), foreign(host))
    return format_html(NAME_HTML, foreign(value))


@register.filter
def foreign(value: object) -> SafeString | str:
    """A text that is not ours, as HTML: it turns nothing round that stands beside it.

    Every text of a person, of a partner or of Webex is written so, or with `isolated`.
    """
    text = "" if value is None else str(value)
    if not bidi.turns(text):
        return escape(text)
    if parts := bidi.address_parts(text):
        return format_html('<bdi dir="ltr">{}@{}</bdi>', *map(foreign, parts))
    return format_html("<bdi>{}</bdi>", bidi.neutral(text))


@register.filter
def isolated(value: object) -> str:
    """A text that is not ours, where no tag can be: in attributes, titles, plain mails."""
    return "" if value is None else bidi.isolated(str(value))


@register.simple_tag
def server_now() -> str:
    """The time now as scripts read it: ages are counted from it, not from the reader's clock."""
    return iso(clock.known())


@register.filter
def short_time(moment: datetime | None) -> str:
    """The time of day in the reader's zone, after its date if that isn't today."""
    return Clock.of_reader(clock.known()).short(moment) if moment else ""


@register.filter
def whole_time(moment: datetime | None) -> str:
    """Date, time and zone."""
    return Clock.of_reader(clock.known()).exact(moment) if moment else ""


@register.filter
def shown_address(value: str | None) -> str:
    """An e-mail address as plain text, its domain in its own letters where that is safe."""
    return bidi.isolated(addresses.shown(value or ""))


@register.simple_tag
def figure(value: float | None) -> str:
    """Write a number with the separators of the reader's language; nothing for what is unknown."""
    return "" if value is None else _figure(value, get_language())


@lru_cache(maxsize=4096, typed=True)
def _figure(value: float, language: str | None) -> str:
    """Write it in the active language, which is a part of the cache's key."""
    return number_format(value, force_grouping=True)


@register.simple_tag(takes_context=True)
def aria_current(context: template.Context, path: str, unless: str = "") -> SafeString | str:
    """Mark a navigation link: `aria-current="page"` on its page, `"true"` on pages below it.

    A view may set `nav_path` in the context when its own path is not the place in the navigation.
    `unless` names a part of the path that belongs to another link.
    """
    return _aria_current(_navigation_path(context), path, unless)


def _navigation_path(context: template.Context) -> str:
    """Where in the navigation the page is."""
    request: Any = context.get("request")
    return str(context.get("nav_path") or (request.path if request else ""))


def _aria_current(current: str, path: str, unless: str = "") -> SafeString | str:
    if current == path:
        return format_html('aria-current="{}"', "page")
    below = path != "/" and current.startswith(path) and not (unless and unless in current)
    return format_html('aria-current="{}"', "true") if below else ""


@register.simple_tag(takes_context=True)
def user_status_links(context: template.Context, items: Iterable[Any]) -> SafeString:
    """Link to templates' users in the side bar; each has `name`, `uuid` and `error_count`."""
    current = _navigation_path(context)
    link = '<li><a class="nav-link" href="{}" {}><span class="nav-text">{}</span>{}</a></li>\n'
    paths = [(f"/templates/{item.uuid}/users/", item) for item in items]
    drawn = [
        (path, _aria_current(current, path), foreign(item.name), _errors(item.error_count))
        for path, item in paths
    ]
    return format_html_join("", link, drawn)


def _errors(count: int) -> SafeString | str:
    return _error_mark(count, get_language()) if count else ""


@lru_cache(maxsize=1024)
def _error_mark(count: int, language: str | None) -> SafeString:
    """Draw it in the active language, which is a part of the cache's key."""
    words = ngettext("error", "errors", count)
    mark = ' <span class="count count-bad">{}<span class="sr-only"> {}</span></span>'
    return format_html(mark, figure(count), words)


@register.tag
def once_per_language(parser: Parser, _token: Token) -> OncePerLanguage:
    """Draw what stands up to `{% endonce_per_language %}` once for each language, and keep it.

    No variable of the page exists in there, so nothing of one reader can be kept for another.
    """
    nodes = parser.parse(["endonce_per_language"])
    parser.delete_first_token()
    return OncePerLanguage(nodes)


class OncePerLanguage(template.Node):
    """A part of a template that says the same on every page."""

    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist
        self._drawn: dict[str | None, SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        language = _language_of(context)
        if language not in self._drawn:
            self._drawn[language] = self.nodelist.render(context.new({}))
        return self._drawn[language]


def _language_of(page: template.Context) -> str | None:
    """The language that a page is drawn in, asked for once: there are sixty such parts on it."""
    kept: dict[Any, Any] = page.render_context.dicts[0]  # where {% include %} keeps its own
    if OncePerLanguage not in kept:
        kept[OncePerLanguage] = get_language()
    found: str | None = kept[OncePerLanguage]
    return found
