from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils import translation

from common.templatetags import look

NOW = datetime(2026, 11, 24, 11, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (60, "1 min. ago"),
        (3599, "59 min. ago"),
        (3600, "1 hr. ago"),
        (86400, "1 day ago"),
        (2 * 86400, "2 days ago"),
        (21 * 86400, "3 wk. ago"),
        (70 * 86400, "2 mo. ago"),
        (800 * 86400, "2 yr. ago"),
        (-30, "now"),
        (-120, "in 2 min."),
        (-86400, "in 1 day"),
    ],
)
def test_a_time_is_said_in_the_words_that_the_browser_uses(seconds: int, words: str) -> None:
    html = look.relative_time(NOW - timedelta(seconds=seconds), now=NOW)

    assert f">{words}</time>" in html


def test_a_time_carries_the_machine_time_and_the_exact_local_one() -> None:
    html = look.relative_time(NOW, now=NOW)

    assert 'datetime="2026-11-24T11:04:00Z"' in html
    assert "12:04:00 CET" in html


def test_no_time_is_a_dash() -> None:
    assert look.relative_time(None) == look.exact_time(None) == "–"


def test_an_address_breaks_before_its_at_sign() -> None:
    html = look.address("freja@firma.example")

    assert html == '<bdi dir="ltr">freja<wbr><span class="host">@firma.example</span></bdi>'


def test_an_address_is_escaped() -> None:
    assert "<script>" not in look.address("<script>@x") + look.address("<script>")


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_address_is_a_dash(nothing: str | None) -> None:
    assert look.address(nothing) == "–"


@pytest.mark.parametrize(("language", "text"), [("en", "12,846"), ("da", "12.846")])
def test_a_figure_has_the_separators_of_the_language(language: str, text: str) -> None:
    with translation.override(language):
        assert look.figure(12846) == text


def test_an_icon_is_hidden_from_screen_readers() -> None:
    html = look.icon("retry", "spin")

    assert 'class="icon spin"' in html
    assert 'aria-hidden="true"' in html
    assert "#retry" in html


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("/templates/", 'aria-current="page"'),
        ("/templates/1/", 'aria-current="true"'),
        ("/templates/1/users/", ""),
        ("/jobs/", ""),
    ],
)
def test_navigation_marks_where_the_reader_is(path: str, mark: str) -> None:
    context = Context({"request": SimpleNamespace(path=path)})

    html = Template('{% aria_current "/templates/" unless="/users/" %}').render(context)

    assert html == mark


def test_the_start_page_is_not_above_everything() -> None:
    context = Context({"request": SimpleNamespace(path="/jobs/")})

    assert Template('{% aria_current "/" %}').render(context) == ""


def test_errors_in_the_side_bar_are_said_in_the_readers_language() -> None:
    item = SimpleNamespace(name="SMB", uuid="u", error_count=2)
    tag = Template("{% user_status_links items %}")

    english = tag.render(Context({"items": [item]}))
    with translation.override("da"):
        danish = tag.render(Context({"items": [item]}))

    assert "> errors<" in english
    assert "> fejl<" in danish


def test_a_template_in_the_side_bar_says_its_errors() -> None:
    item = SimpleNamespace(name="SMB <Denmark>", uuid="u", error_count=1284)

    html = Template("{% user_status_links items %}").render(Context({"items": [item]}))

    assert "SMB &lt;Denmark&gt;" in html
    assert "1,284" in html
    assert 'href="/templates/u/users/"' in html
