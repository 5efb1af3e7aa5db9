"""Parts of a template that are drawn once for each language."""

from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.template import Context, RequestContext, Template
from django.utils import translation

from common.templatetags import look
from tests.architecture import source


def drawn(template: Template, language: str = "en", **values) -> str:
    with translation.override(language):
        return template.render(Context(values))


def test_each_language_has_its_own():
    template = Template(
        "{% once_per_language %}{% translate 'Sign out' %}{% endonce_per_language %}"
    )

    texts = [drawn(template, language) for language in ("en", "da", "en", "da")]

    assert texts == ["Sign out", "Log ud"] * 2


def test_it_is_drawn_once():
    template = Template("{% once_per_language %}{% now 'u' %}{% endonce_per_language %}")

    assert drawn(template) == drawn(template)


def test_nothing_of_the_page_is_known_in_it():
    """Or what one reader sees would be kept for the next."""
    template = Template(
        "{{ name }}{% once_per_language %}[{{ name }}{{ request.path }}{{ user }}]"
        "{% endonce_per_language %}"
    )
    request = HttpRequest()
    request.path = "/secret/"

    text = template.render(RequestContext(request, {"name": "Anna", "user": "Anna"}))

    assert text == "Anna[]"


def test_variables_made_in_it_stay_in_it():
    template = Template(
        "{% once_per_language %}{% translate 'Sign out' as words %}{% endonce_per_language %}"
        "{{ words }}"
    )

    assert drawn(template) == ""


def test_it_may_include_other_templates():
    template = Template(
        '{% once_per_language %}{% include "parts/help_dialog.html" %}{% endonce_per_language %}'
    )

    assert 'id="help-title"' in drawn(template)


@pytest.mark.parametrize(
    ("value", "text"), [(1234567, "1,234,567"), (0, "0"), (None, ""), (1.5, "1.5"), (1, "1")]
)
def test_a_figure_has_separators_and_the_unknown_none(value, text):
    with translation.override("en"):
        assert look.figure(value) == text


def test_a_figure_is_the_readers_whoever_asked_before():
    shown = []
    for language in ("en", "da", "en"):
        with translation.override(language):
            shown.append(look.figure(1234))

    assert shown == ["1,234", "1.234", "1,234"]


@pytest.mark.parametrize("path", source.templates(), ids=source.name)
def test_a_page_is_in_one_language(path):
    """`once_per_language` asks for it once a page."""
    assert "{% language " not in path.read_text()
