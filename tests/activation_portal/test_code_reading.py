"""What is read of a typed or pasted code, and what is no try at all."""

from __future__ import annotations

import pytest

from activation_portal.forms import CodeForm, read_code

MAIL = """Or type this code on the page where you began:

123 456

The link works once, until 2 December 2026 13:05. https://hub.example/activate/a1/confirm/x-987654-Q/
"""


@pytest.mark.parametrize(
    "typed",
    [
        *("123456", " 123 456 ", "123\u00a0456", "123-456", "12 34 56", "1 2 3 4 5 6"),
        *("１２３４５６", "١٢٣٤٥٦", "\u200b123456\ufeff", "123456.", "(123 456)"),
        *("Your code is 123 456. It works for 10 minutes.", "Code: 123456", MAIL),
    ],
)
def test_the_six_digits_are_read(typed):
    assert read_code(typed) == "123456"


@pytest.mark.parametrize(
    "typed",
    [
        *("", "12345", "1234567", "123 4567", "abcdef", "12345a", "a123456", "+45 33 90 00 01"),
        *("123456 and 654321", "2026-12-01", "²²²²²²", "1" * 1000),
    ],
)
def test_what_is_not_six_digits_is_no_code(typed):
    assert read_code(typed) is None


def test_what_is_no_code_is_told_beside_the_field_and_kept():
    form = CodeForm({"code": "12345", "run": "5f3c4a52-6e32-4a64-9c3c-0d5a6f2f8b11"})

    assert not form.is_valid()
    assert list(form.errors) == ["code"]
    assert 'value="12345"' in str(form["code"])
