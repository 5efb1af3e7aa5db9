"""PostgreSQL folds what it stores as Python folds what is asked."""

from __future__ import annotations

import json

import idna
import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from common import folding
from common.migration_sql import read_sql_file

#: What a column can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"], exclude_characters="\0"))
#: Of the alphabets of the countries whose names we are likely to meet.
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), max_size=30)


def asked(function: str, *texts: str) -> str:
    places = ", ".join(["%s"] * len(texts))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({places})", texts)
        return cursor.fetchone()[0]


def test_the_table_of_the_database_is_that_of_the_library():
    stored = json.loads(read_sql_file("provisioning", "folded_letters.json"))

    assert stored == folding.table()


def test_every_single_character_is_folded_alike(db):
    chars = [chr(code) for code in range(1, 0x3000) if chr(code) not in folding.SPACING_ACCENTS]

    with connection.cursor() as cursor:
        cursor.execute("SELECT c, provisioning_folded(c) FROM unnest(%s::text[]) AS x (c)", [chars])
        wrong = [(c, plain) for c, plain in cursor.fetchall() if plain != folding.folded(c)]

    assert wrong == []


@pytest.mark.django_db
@given(text=TEXTS)
@example("O´Brien; „Ó Briain“, 1\t2")
def test_any_text_is_folded_alike(text):
    assert asked("provisioning_folded", text) == folding.folded(text)


@pytest.mark.django_db
@given(text=NAMES | TEXTS)
@example("Дмитрий Müller Aaage")
def test_any_text_is_spelled_alike(text):
    folded = folding.folded(text)

    assert asked("provisioning_spelled", folded) == folding.spelled(folded)


@pytest.mark.django_db
@given(first=NAMES, last=NAMES | TEXTS)
@example("A\u030age", "Ǿrsted")
def test_any_name_is_sorted_alike(first, last):
    assert asked("provisioning_name_key", first, last) == folding.sort_key(f"{first} {last}")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Små ærlige kunder", "smaa-aerlige-kunder"),
        ("A\u030aben/Łódź (ß) – Đà", "aaben-lodz-ss-da"),
        ("王 Дмитрий", "wang-dmitrii"),
        ("\u200b!", ""),
    ],
)
def test_a_file_is_named_by_plain_letters(name, part):
    assert folding.file_name(name) == part


@given(text=TEXTS)
def test_folding_twice_changes_nothing_more(text):
    once = folding.folded(text)

    assert folding.folded(once) == once


@pytest.mark.django_db
@pytest.mark.parametrize(
    "domain", ["blåbær.example", "b.öbb.example", "mañana.example", "日本語.example", "例え.テスト"]
)
def test_the_database_reads_a_domain_as_people_do(domain):
    address = f"anna@{idna.encode(domain).decode()}"

    assert asked("provisioning_seen_address", address) == f"anna@{domain}"


@pytest.mark.django_db
@given(label=st.text(st.characters(min_codepoint=0x61, max_codepoint=0x4FFF), min_size=1))
def test_the_database_decodes_any_label(label):
    if not label.isprintable() or label.isascii():
        return

    assert asked("provisioning_decoded_label", label.encode("punycode").decode()) == label


@pytest.mark.parametrize(
    "label", ["", "-", "---", "99999999", "a-å", "blbr-", "zzzzzzzzzzzzzz", "\u20ac"]
)
def test_a_label_that_cannot_be_decoded_does_no_harm(db, label):
    assert asked("provisioning_seen_address", f"a@xn--{label}.example").startswith("a@")
