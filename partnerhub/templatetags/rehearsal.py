"""The banner of every page while a rehearsal runs."""

from __future__ import annotations

from typing import Any

from django import template

from partnerhub.rehearsal import known

register = template.Library()


@register.inclusion_tag("parts/rehearsal.html", takes_context=True)
def rehearsal_banner(
    context: template.Context, memory_only: bool = False, link: bool = False
) -> dict[str, Any]:
    """Say that what is seen is staged; draws nothing while no rehearsal runs.

    `memory_only`: ask the database nothing (error pages). `link`: lead to the Rehearsal page.
    """
    path = getattr(context.get("request"), "path", "")
    return {
        "notice": known.last() if memory_only else known.current(),
        "portal": path.startswith("/activate/"),
        "link": link,
    }
