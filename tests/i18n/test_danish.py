"""Danish is complete: every text has a translation that fits. `make messages` finds what lacks."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest
from django.conf import settings

from partnerhub import message_extraction
from partnerhub.management.commands.messages import read

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "da" / "LC_MESSAGES" / "django.po"


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return read(CATALOGUE)


@pytest.fixture(scope="module")
def found() -> message_extraction.Found:
    return message_extraction.collect()


def translations(entry: polib.POEntry) -> list[str]:
    """One for an ordinary text, two for one with a plural."""
    if not entry.msgid_plural:
        return [entry.msgstr]
    return [entry.msgstr_plural.get(0, ""), entry.msgstr_plural.get(1, "")]


def test_every_text_has_a_danish_one(
    catalogue: polib.POFile, found: message_extraction.Found
) -> None:
    known = {
        message_extraction.key_of(entry)
        for entry in catalogue
        if "fuzzy" not in entry.flags and all(t.strip() for t in translations(entry))
    }
    missing = sorted(text.message for text in found if (text.message, text.context) not in known)

    assert not missing, f"{len(missing)} texts have no Danish; run `make messages`"


def test_no_entry_is_left_of_a_text_that_is_gone(
    catalogue: polib.POFile, found: message_extraction.Found
) -> None:
    wanted = {(text.message, text.context) for text in found}
    stale = [entry.msgid for entry in catalogue if message_extraction.key_of(entry) not in wanted]

    assert not stale, "run `make messages`"


def test_no_text_is_listed_twice(catalogue: polib.POFile) -> None:
    keys = [message_extraction.key_of(entry) for entry in catalogue]

    assert len(keys) == len(set(keys))


def test_placeholders_are_the_same(catalogue: polib.POFile) -> None:
    """The singular may leave the number out ("one user")."""
    wrong = []
    for entry in catalogue:
        for number, translation in enumerate(translations(entry)):
            source = entry.msgid_plural if number else entry.msgid
            wanted, got = (
                message_extraction.placeholders(source),
                message_extraction.placeholders(translation),
            )
            both = wanted | message_extraction.placeholders(entry.msgid_plural)
            lacking = len(wanted - got) - bool(entry.msgid_plural and number == 0)
            if translation and (lacking > 0 or not got <= both):
                wrong.append((entry.msgid, translation))

    assert not wrong


def test_a_translation_keeps_the_edges_of_its_text(catalogue: polib.POFile) -> None:
    """Spaces and line ends at the edges join texts together; losing one glues words."""
    wrong = [
        entry.msgid
        for entry in catalogue
        for text in translations(entry)
        if text
        and (text[0].isspace(), text[-1].isspace())
        != (entry.msgid[0].isspace(), entry.msgid[-1].isspace())
    ]

    assert not wrong


@pytest.mark.parametrize(
    ("english", "danish"),
    [
        ("View templates", "Vis skabeloner"),
        ("User verification", "Brugerbekræftelse"),
        ("Untrusted emails", "Ikke-betroede e-mails"),
        ("Share link", "Del link"),
        ("Show user status", "Vis brugerstatus"),
        ("Retry activation", "Prøv aktivering igen"),
        ("Delete user", "Slet bruger"),
        ("Change package type", "Skift pakketype"),
        ("Copy error text", "Kopier fejltekst"),
        ("Export", "Eksporter"),
        ("Exclude provisioned users", "Udeluk klargjorte brugere"),
        ("Try again", "Prøv igen"),
        ("Onboard", "Onboard"),
    ],
)
def test_the_published_words_are_kept(catalogue: polib.POFile, english: str, danish: str) -> None:
    """Under every context that the text stands in."""
    entries = [entry for entry in catalogue if entry.msgid == english]

    assert entries, f"nothing says {english!r}"
    assert {entry.msgstr for entry in entries} == {danish}
