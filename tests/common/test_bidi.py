"""Text that is not ours keeps its place in our own."""

from __future__ import annotations

import json

import pytest
from django.template import engines

from common.bidi import isolated, neutral, spelt_out

HEBREW = "\u05d0\u05d1\u05d2"


@pytest.mark.parametrize("text", ["", "Anna", "Åse Blåbær 12", "anna@firma.example", "日本 (7)"])
def test_a_text_that_runs_as_ours_stays_as_it_is(text: str) -> None:
    assert isolated(text) == text


@pytest.mark.parametrize("text", [HEBREW, f"Anna {HEBREW} 12", "\u0645\u062d\u0645\u062f"])
def test_a_text_with_letters_from_right_to_left_is_isolated(text: str) -> None:
    assert isolated(text) == f"\u2068{text}\u2069"


@pytest.mark.parametrize(
    "control", [chr(code) for code in (*range(0x202A, 0x202F), 0x2066, 0x2069)]
)
def test_a_control_does_not_reach_beyond_its_text(control: str) -> None:
    assert isolated(f"An{control}na") == "\u2068Anna\u2069"


def test_a_name_cannot_leave_its_isolate() -> None:
    assert isolated(f"\u2069{HEBREW}\u202e") == f"\u2068{HEBREW}\u2069"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2029", "\x85", "\x1c"])
def test_an_end_of_a_paragraph_within_a_name_becomes_a_blank(end: str) -> None:
    assert neutral(f"{HEBREW}{end}{HEBREW}") == f"{HEBREW} {HEBREW}"


def test_an_isolate_that_is_closed_stays() -> None:
    ours = f"Export of {isolated(HEBREW)}"

    assert neutral(ours) == ours


def test_the_parts_of_an_address_are_isolated_each_for_itself() -> None:
    assert isolated(f"{HEBREW}@firma.example") == f"\u2066\u2068{HEBREW}\u2069@firma.example\u2069"
    assert isolated(f"a@{HEBREW}\u202e") == f"\u2066a@\u2068{HEBREW}\u2069\u2069"


def drawn(text: str) -> str:
    template = engines["django"].from_string("{{ text|foreign }}")
    return str(template.render({"text": text}))


def test_the_filter_draws_foreign_text_in_an_element_of_its_own() -> None:
    assert drawn("<Anna>") == "&lt;Anna&gt;"
    assert drawn(f"<{HEBREW}\u202e>") == f"<bdi>&lt;{HEBREW}&gt;</bdi>"
    assert drawn(f"{HEBREW}@b.example") == f'<bdi dir="ltr"><bdi>{HEBREW}</bdi>@b.example</bdi>'


def test_controls_in_json_can_be_read() -> None:
    value = f"{HEBREW}\u202e\u2068"
    spelt = spelt_out(json.dumps(value, ensure_ascii=False))

    assert "\u202e" not in spelt
    assert json.loads(spelt) == value
