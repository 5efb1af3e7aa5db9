from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import CharField, Value
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.spreadsheet import SafeText
from provisioning.exports.columns import HEADER, columns

BLANKS = {" ", "\u00a0", "\u1680", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff"} | {
    chr(code) for code in range(0x2000, 0x2010)
}
STARTERS = set("=+-@\t\r\n＝＋－＠")
ALPHABET = st.sampled_from(
    [*"=+-@\t\r\n＝＋－＠ '\"Aa1.()~{:;éÅ|", "\u00a0", "\u3000", "\u200b", "\ufeff"]
)
TEXTS = st.one_of(
    st.text(ALPHABET, max_size=12),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=12),
)


def is_phone(text: str) -> bool:
    """`+`, then digits, spaces, dashes, dots and parentheses, a digit among them."""
    rest = text[1:]
    return (
        text[:1] == "+"
        and set(rest) <= set("0123456789 -.()")
        and any(char in "0123456789" for char in rest)
    )


def safe(text: str) -> str:
    """The rule of reliability.md S16, written without patterns."""
    shown = text
    while shown[:1] in BLANKS:
        shown = shown[1:]
    return f"'{text}" if shown[:1] in STARTERS and not is_phone(text) else text


def in_sql(texts: list[str]) -> list[str]:
    cell = SafeText(Value("x", output_field=CharField()))
    template = str(cell.template) % {"expressions": "cell"}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {template} FROM unnest(%s::text[]) WITH ORDINALITY AS t(cell, n) ORDER BY n",
            [texts],
        )
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(TEXTS, min_size=1, max_size=40))
@example(["=1+1", "+45 70 10 20 30", "+1-(2).3", "+", "+()", "-5", "\t", "  =x", "＝x", "", "'=x"])
def test_the_rule_in_sql_is_the_rule(texts):
    assert in_sql(texts) == [safe(text) for text in texts]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        (" \u00a0=1", "' \u00a0=1"),
        ("＝1", "'＝1"),
        ("\n=1", "'\n=1"),
        ("-2+3", "'-2+3"),
        ("+45 7010 2030", "+45 7010 2030"),
        ("+45-(70).10", "+45-(70).10"),
        ("+4570102030\n=1", "'+4570102030\n=1"),
        ("70102030", "70102030"),
        ("Øre=1", "Øre=1"),
        ("a@firma.example", "a@firma.example"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(text, cell):
    assert in_sql([text]) == [cell]


def test_there_is_a_cell_for_every_column_of_the_header():
    assert len(columns()) == len(HEADER)
    assert ",".join(HEADER) == (
        "BroadWorks ID,First name,Last name,Email,Package type,Status,Error code,Error text,"
        "Enterprise ID,Primary phone,Self-activated,Created,Last change"
    )
