from __future__ import annotations

import re
from collections import Counter

import pytest

from provisioning import catalogue, codes
from provisioning.catalogue import CATALOGUE, LINES, Actor, Retry, explain

#: Every code that domain.md found published, and no others.
CISCO_CODES = [
    *["100006", "200010", "200016", "200018", "200019", "200022", "200026", "200039", "200040"],
    *["200041", "200042", "200043", "200044", "200045", "200046", "200047", "200048", "200049"],
    *["200050", "200051", "200054", "1001", "1002", "10022"],
]
OWN_CODES = [
    value
    for name, value in vars(codes).items()
    if name.isupper() and isinstance(value, str) and value.startswith("PH-")
]
TECHNICAL = re.compile(
    r"uuid|\bapi\b|http|provision|subscriber|entitle|configset|template|enterprise|cluster|"
    r"webexid|error code|json|timeout|backend|server error|xsi|tracking|\borg\b|tenant|%\(|\{",
    re.IGNORECASE,
)


def test_the_catalogue_holds_what_cisco_published_and_what_we_made_and_nothing_else():
    assert set(CATALOGUE) == {*CISCO_CODES, *OWN_CODES}


def test_no_code_is_explained_twice():
    assert [code for code, n in Counter(line.code for line in LINES).items() if n > 1] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.code)
def test_every_code_is_complete(line):
    for name in ("title", "why", "turn", "advice", "portal_title", "portal_text"):
        assert str(getattr(line, name)).strip(), name

    assert isinstance(line.actor, Actor)
    assert isinstance(line.retry, Retry)
    assert len(str(line.title)) <= 60
    assert not str(line.title).endswith(".")
    assert str(line.advice).endswith(".")
    assert line.address_fault is (line.retry is Retry.OTHER_ADDRESS)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.code)
def test_end_users_read_no_technical_words(line):
    words = f"{line.portal_title} {line.portal_text}"

    assert not TECHNICAL.search(words)
    assert not re.search(r"\d{3}|@|PH-", words)


@pytest.mark.parametrize("code", [code for code in CISCO_CODES if code != "100006"])
def test_ciscos_message_is_kept(code):
    assert len(explain(code).cisco_text) > 10


def test_our_own_codes_claim_no_message_of_ciscos():
    assert [code for code in OWN_CODES if explain(code).cisco_text] == []


def test_an_unknown_code_is_shown_with_the_words_that_came():
    found = explain("31337", "Brand  new\nmishap")

    assert (found.code, found.title) == ("31337", "Brand new mishap")
    assert found.actor == Actor.ADMINISTRATOR
    assert "mishap" not in f"{found.portal_title} {found.portal_text}"
    assert not catalogue.is_known("31337")


def test_an_error_without_code_and_words_is_explained_too():
    found = explain("")

    assert found.code == ""
    assert str(found.title) == "Webex reported an error"


def test_a_long_text_is_cut_for_the_title():
    assert len(str(explain("1", "word " * 100).title)) == 80
