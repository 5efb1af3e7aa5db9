"""Rows of the list in a template."""

from __future__ import annotations

from django import template
from django.template.base import Parser, Token
from django.template.loader import get_template

from provisioning.models import Job
from userstatus import row_markup
from userstatus.row_markup import Sheet
from userstatus.templatetags.undo import grace

register = template.Library()


class UserRows(template.Node):
    """Draws the context's `rows` as `now`, `with_template` and `with_ticks` say."""

    # Django joins what nodes return as text; the stubs say SafeString.
    def render(self, context: template.Context) -> str:  # type: ignore[override]
        def drawn_grace(job: Job) -> str:
            return get_template("userstatus/jobs/_grace.html").render(grace(context, job))

        sheet = Sheet(
            now=context["now"],
            with_template=bool(context["with_template"]),
            with_ticks=bool(context["with_ticks"]),
            grace=drawn_grace,
        )
        return row_markup.draw(context["rows"], sheet)


@register.tag
def user_rows(_parser: Parser, _token: Token) -> UserRows:
    """Draw rows of the list: `{% user_rows %}`."""
    return UserRows()
