"""Tags of the list for what is drawn by hand (users/row_html.py, users/controls_html.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django import template
from django.template.base import FilterExpression, Parser, Token
from django.template.loader import get_template

from common.times import Clock
from provisioning.models import Job
from userstatus.templatetags.undo import grace
from userstatus.users import controls_html, row_html
from userstatus.users.row_html import RowContext

register = template.Library()


class DrawnHtml(template.Node):
    """Puts in what a function returns, which is HTML: nothing is escaped after it."""

    def __init__(self, draw: Callable[..., str], arguments: Sequence[FilterExpression]) -> None:
        self.draw = draw
        self.arguments = arguments

    def render(self, context: template.Context) -> str:
        return self.draw(*[argument.resolve(context) for argument in self.arguments])


def _register(draw: Callable[..., str]) -> None:
    def compiled(parser: Parser, token: Token) -> DrawnHtml:
        return DrawnHtml(draw, [parser.compile_filter(bit) for bit in token.split_contents()[1:]])

    register.tag(draw.__name__, compiled)


#: `{% header_cells headers path %}`, `{% ribbon_cells cells path %}`,
#: `{% filter_options options name kind %}`, `{% select_options choices chosen %}`,
#: `{% bulk_buttons offers %}`
_register(controls_html.header_cells)
_register(controls_html.ribbon_cells)
_register(controls_html.filter_options)
_register(controls_html.select_options)
_register(controls_html.bulk_buttons)


class UserRows(template.Node):
    """Draws the context's `rows` as `now`, `with_template` and `with_ticks` say."""

    def render(self, context: template.Context) -> str:
        def drawn_grace(job: Job) -> str:
            return get_template("userstatus/jobs/_grace.html").render(grace(context, job))

        row_context = RowContext(
            clock=Clock.of_reader(context["now"]),
            with_template=bool(context["with_template"]),
            with_ticks=bool(context["with_ticks"]),
            grace=drawn_grace,
        )
        return row_html.draw(context["rows"], row_context)


@register.tag
def user_rows(_parser: Parser, _token: Token) -> UserRows:
    """Draw rows of the list: `{% user_rows %}`."""
    return UserRows()
