"""E-mail addresses: one form, whoever typed or pasted it, and one form that people see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.addresses import BadAddress, normalise, same, shown

ANNA = "anna@firma.example"
BERRY = "anna@xn--blbr-roah.example"


@pytest.mark.parametrize(
    "typed",
    [
        ANNA,
        f"  {ANNA}\n",
        f"{ANNA}.",
        f"<{ANNA}>",
        f"Anna Holm <{ANNA}>",
        f'"Holm, Anna" <{ANNA}>;',
        f"anna@old.example <{ANNA}>",
        f"mailto:{ANNA}",
        f"MAILTO:{ANNA}?subject=Hi%20there",
        f"<mailto:{ANNA}>",
        "mailto:anna%40firma.example",
        f"“{ANNA}”",
        f"({ANNA}.)",
        f"'{ANNA}'",
        f"{ANNA},",
        f"\ufeff{ANNA}",
        f"\u202a{ANNA}\u202c",
        "anna\u200b@fir\u00adma.example",
        "ａｎｎａ＠ｆｉｒｍａ．ｅｘａｍｐｌｅ",
        "anna@firma。example",
        "anna@FIRMA.Example",
        "anna@firma｡example",  # the half-width stop of Japanese keyboards
        f"{ANNA}。",
        "anna\ufe0f@firma.example\ufe0f",  # what follows a pasted picture
        f"Anna Holm [mailto:{ANNA}]",
        f"Anna Holm ({ANNA})",
        f"{ANNA} (Anna Holm)",
        f"E-mail: {ANNA}",
        f"SMTP:{ANNA}",
        f"To: Anna Holm <{ANNA}>",
        f"[{ANNA}](mailto:{ANNA})",
        f"mailto://{ANNA}",
        f"{ANNA}>",  # copied from within its brackets
        f"»{ANNA}«",
        f"`{ANNA}`",
        "anna@ﬁrma.example",  # browsers send it as firma.example
    ],
)
def test_what_people_paste_is_read(typed):
    assert normalise(typed) == ANNA


@pytest.mark.parametrize(
    "typed",
    ["anna@blåbær.example", "anna@bla\u030abær.example", "anna@XN--BLBR-ROAH.example", BERRY + "."],
)
def test_every_spelling_of_a_domain_has_one_form(typed):
    assert normalise(typed) == BERRY


@pytest.mark.parametrize(
    "domain",
    [
        "みんなの会社.example",  # Hiragana and Han
        "カフェー東京.example",  # Katakana, its long mark, and Han
        "tokyo東京カフェ.example",
        "한국회사.example",
        "кафе.example",
        "ελλάδα.example",
        "xn--80akhbyknj4f.example",  # испытание
        "straße.example",
        "firma.рф",
    ],
)
def test_a_domain_in_one_script_or_a_usual_mixture_is_taken(domain):
    assert normalise(f"anna@{domain}").isascii()


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " \u200b ",
        "anna",
        "anna@",
        "@firma.example",
        "anna@@firma.example",
        "anna@localhost",
        "anna@localhost.",
        "anna@10.0.0.1",
        "anna@10.0.0.1.",
        "anna@firma.0x7f",
        "anna@[10.0.0.1]",
        "anna@firma.example..",
        "anna@firma..example",
        "anna@-firma.example",
        "anna@fir_ma.example",
        "anna@firma .example",
        "anna holm@firma.example",
        f"{ANNA} {ANNA}",
        f"{ANNA}, bo@firma.example",
        f"{ANNA};bo@firma.example",
        f"Anna ({ANNA}), Bo (bo@firma.example)",
        f"{ANNA} (bo@firma.example)",
        f"sip:{ANNA}",
        "anna@fіrma.example",  # a Cyrillic і
        "anna@xn--frma-l9d.example",  # the same, as a browser sends it
        "аnna@firma.example",  # a Cyrillic а before the @
        "anna@firmα.example",
        ".anna@firma.example",
        "an..na@firma.example",
        "a" * 65 + "@firma.example",
        "anna@" + "a" * 250 + ".example",
        "anna\x00@firma.example",
        "anna@firma.example\r\nBcc: all@firma.example",
        "℀nna@firma.example",
        "<>",
        "mailto:",
        "x" * 10_000_000,
    ],
)
def test_what_is_no_address_is_refused_with_words(typed):
    with pytest.raises(BadAddress) as refused:
        normalise(typed)

    assert str(refused.value)


@pytest.mark.parametrize(
    ("kept", "seen"),
    [
        (BERRY, "anna@blåbær.example"),
        (ANNA, ANNA),
        ("anna@xn--80ak6aa92e.example", "anna@xn--80ak6aa92e.example"),  # "аррӏе", all Cyrillic
        ("anna@xn--frma-l9d.example", "anna@xn--frma-l9d.example"),
        ("anna@xn--80akhbyknj4f.example", "anna@испытание.example"),
        ("anna@xn--br-1ia.example", "anna@bær.example"),
        ("anna@xn--ble-xla.example", "anna@æble.example"),
        ("anna@xn--uvre-f4a.example", "anna@œuvre.example"),
        ("anna@xn--k-ekaa7p.example", "anna@ışık.example"),
        ("anna@xn--firma-8fd.example", "anna@xn--firma-8fd.example"),  # a second dot on the i
        ("anna@xn--frma-q5b.example", "anna@xn--frma-q5b.example"),  # a phonetic ɑ
        ("anna@xn--mgba3gch31f060k.example", "anna@xn--mgba3gch31f060k.example"),  # a joiner
        ("anna@bla\u030abær.example", "anna@blåbær.example"),  # letters of another system
        ("anna@аррӏе.example", "anna@xn--80ak6aa92e.example"),
        ("anna@fіrma.example", "anna@xn--frma-l9d.example"),
        ("anna@-ø.example", "anna@-ø.example"),
        ("anna@xn--zz.example", "anna@xn--zz.example"),
        ("xn--no-address", "xn--no-address"),
        ("", ""),
    ],
)
def test_people_see_the_letters_of_a_domain_where_that_is_safe(kept, seen):
    assert shown(kept) == seen


@given(st.text(max_size=60), st.text(max_size=40))
def test_what_is_taken_stays_as_it_is(local, domain):
    try:
        once = normalise(f"{local}@{domain}")
    except BadAddress:
        return

    assert normalise(once) == once
    assert normalise(shown(once)) == once


def test_a_joiner_that_a_persian_name_needs_is_kept_and_no_other():
    persian = "anna@xn--mgba3gch31f060k.example"

    assert normalise("anna@نامه\u200cای.example") == persian
    assert normalise("anna@fir\u200cma.example") == ANNA


def test_many_addresses_are_told_as_several():
    with pytest.raises(BadAddress, match="several"):
        normalise(", ".join(f"anna{number}@firma.example" for number in range(30)))


def test_case_makes_no_other_address():
    assert same("Anna@Firma.example", " anna@firma.EXAMPLE ")


@pytest.mark.parametrize("spelt", ["anna@Blåbær.example", "ANNA@bla\u030abær.example", BERRY])
def test_a_domain_in_letters_and_in_ascii_is_one(spelt):
    assert same(spelt, BERRY)
    assert same(BERRY, spelt)


def test_what_has_no_ascii_form_is_only_itself():
    assert same("anna@-ø.example", "anna@-Ø.example")
    assert not same("anna@-ø.example", "anna@-å.example")
