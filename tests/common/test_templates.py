from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template, render_to_string

TEMPLATES = sorted(
    path for app in settings.BASE_DIR.glob("*/templates") for path in app.rglob("*.html")
)
SYMBOLS = set(
    re.findall(r'<symbol id="([\w-]+)"', (settings.BASE_DIR / "static/icons.svg").read_text())
)
ERROR_PAGES = ["400", "403", "403_csrf", "404", "413", "429", "500", "503"]


def name(path: Path) -> str:
    return str(path.relative_to(settings.BASE_DIR))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_asks_only_for_icons_that_exist(path: Path) -> None:
    asked = set(re.findall(r"{%\s*icon\s+[\"']([\w-]+)[\"']", path.read_text()))

    assert asked <= SYMBOLS


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_holds_nothing_that_the_policy_forbids(path: Path) -> None:
    text = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"<style|\sstyle=|\son\w+=|href=[\"']javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\|\s*safe\b|{%\s*autoescape off", text)


@pytest.mark.parametrize("code", ERROR_PAGES)
def test_an_error_page_needs_no_context(code: str) -> None:
    html = get_template(f"{code}.html").render()

    assert html.count("<h1>") == 1
    assert "<main" in html


@pytest.mark.parametrize("code", ERROR_PAGES)
def test_an_error_page_says_the_request_id(code: str) -> None:
    assert "abc123" in render_to_string(f"{code}.html", {"request_id": "abc123"})
