"""The banner of every page while a rehearsal runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from partnerhub.rehearsal import status_cache, titles
from provisioning.catalogue import explain

register = template.Library()


@register.simple_tag
def clock_time(moment: datetime, seconds: bool = False) -> SafeString:
    """Write the time of day in the active time zone, as `<time>`."""
    at = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = f"{timezone.localtime(moment):{'%H:%M:%S' if seconds else '%H:%M'}}"
    return format_html('<time datetime="{}">{}</time>', at, shown)


@register.filter
def translated_title(title: str) -> str:
    """The title of a scenario or a kind of fault in the reader's language."""
    return titles.translated(title)


@register.filter
def outcome(expect: str) -> str:
    """What comes of a login: the code of the refusal with its words, or that it works."""
    if expect == "ok":
        return gettext("works")
    return f"{expect} · {explain(expect).title}" if expect else "–"


@register.inclusion_tag("parts/rehearsal.html", takes_context=True)
def rehearsal_banner(
    context: template.Context, memory_only: bool = False, link: bool = False
) -> dict[str, Any]:
    """Say that what is seen is staged; draws nothing while no rehearsal runs.

    `memory_only`: ask the database nothing (error pages). `link`: lead to the Rehearsal page.
    """
    notice = status_cache.last() if memory_only else status_cache.current()
    ends_at = notice.ends_at if notice else None
    path = getattr(context.get("request"), "path", "")
    return {
        "notice": notice,
        "ends_today": ends_at and timezone.localdate(ends_at) == timezone.localdate(),
        "portal": path.startswith("/activate/"),
        "link": link,
    }
