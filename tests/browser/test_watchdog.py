"""A call of Playwright that nobody answers: it is told where it stood, and ended."""

from __future__ import annotations

import signal

import psutil
import pytest
from django.db import connection
from playwright.sync_api import Error, expect

from tests.browser.watchdog import close_all, not_for_ever

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_call_that_never_ends_is_told_and_ended(open_list):
    page = open_list("?per_page=25")
    told: list[str] = []
    connection.ensure_connection()

    with pytest.raises(Error), not_for_ever("this test", 2, told.append):
        page.evaluate("new Promise(() => {})")

    (words,) = told
    assert words.startswith("\nthis test hangs; ending 'chrom'")
    assert "Frame.evaluateExpression" in words
    assert page.url in words
    assert "--type=renderer" in words
    assert "idle | Client | ClientRead" in words
    assert 'page.evaluate("new Promise(() => {})")' in words
    assert "cannot be told" not in words


def test_closing_that_never_ends_is_told_and_ended(open_list):
    pages = [open_list("?per_page=25"), open_list("?per_page=25")]
    told: list[str] = []
    for program in psutil.Process().children(recursive=True):
        if "chrom" in program.name():
            program.send_signal(signal.SIGSTOP)

    close_all([page.context for page in pages], "this test", told.append, seconds=2)

    (words,) = told
    assert words.startswith("\nclosing after this test hangs; ending 'chrom'")
    assert "BrowserContext.close" in words


def test_the_next_test_has_a_browser_again(open_list):
    expect(open_list().get_by_role("heading", level=1)).to_be_visible()


def test_what_ends_in_time_is_let_be(open_list):
    told: list[str] = []
    page = open_list()

    with not_for_ever("this test", 60, told.append):
        assert page.evaluate("1 + 1") == 2

    assert told == []
