"""The one folding of letters: for search, order and file names, and what can be seen at all.

PostgreSQL folds what it stores by a table that is made of `plain` and `spelled`, in a file of
provisioning/migrations/sql that `python -m common.folding` writes. A test compares the two, so that
neither moves without the other.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from functools import cache

from anyascii import anyascii

#: Marks that people write for an apostrophe and whose decomposition would be a blank.
SPACING_ACCENTS = "\u00b4\u1fbd\u1fbf\u1ffd\u1ffe"
_ACCENTS = str.maketrans(dict.fromkeys(SPACING_ACCENTS, "'"))
#: Letters that end the Danish alphabet, in three groups, and what sorts so by its code.
_LAST = str.maketrans("ÆæǼǽǢǣÄäǞǟØøǾǿÖöȪȫÅåǺǻ", "{{{{{{{{{{||||||||}}}}")
#: Left out like quotation marks, though of other categories: primes, turned and low ones, dots.
_QUOTES = frozenset("'\"`‚„‛‟′″‴‵‶‷⁗〝〞〟՚՛׳״Ꞌꞌʹʺˊˋߴߵ⹂·‧")
_COMMAS = frozenset(",;،؛、՝፣︐︑;⁏⸲⸴⸵⹁⹉⹌")
#: Cannot be seen and are no format characters by category; Default_Ignorable_Code_Point of
#: DerivedCoreProperties.txt (Unicode), and the blank pattern of Braille.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
)
#: How one letter is spelled by two, in Danish, German and Dutch.
SPELLED = (("aa", "a"), ("ae", "a"), ("oe", "o"), ("ue", "u"))
#: Scripts that are asked for in Latin letters too.
_TRANSLITERATED = ("GREEK", "CYRILLIC")
#: What comes behind it nobody's name is written with today, and would make the table long.
_LAST_IN_TABLE = "\uffff"


def folded(text: str) -> str:
    """Plain small letters, whatever marks, case, width or punctuation they were written with.

    Apostrophes and quotation marks are left out, dashes are hyphens, commas blanks. Letters
    of other scripts stay in their script.
    """
    chars = text if text.isascii() else unicodedata.normalize("NFKD", text.translate(_ACCENTS))
    return "".join(map(plain, chars))


def sort_key(text: str) -> str:
    """What a name is sorted by, as text of the collation C."""
    return folded(unicodedata.normalize("NFC", text).translate(_LAST)).strip(" ")


def spelled(text: str) -> str:
    """The same for folded texts of which one writes å, Γ, ü and the other aa, G, ue."""
    latin = "".join(map(_latin, text))
    for two, one in SPELLED:
        latin = latin.replace(two, one)
    return latin


def file_name(text: str) -> str:
    """The text as a part of a file's name: a to z, 0 to 9 and hyphens; "" when nothing is left."""
    aa = unicodedata.normalize("NFC", text).replace("å", "aa").replace("Å", "aa")
    return re.sub("[^a-z0-9]+", "-", anyascii(folded(aa)).lower()).strip("-")


def is_invisible(char: str) -> bool:
    """The character leaves no trace on a screen, not even a gap."""
    return char in _INVISIBLE or unicodedata.category(char) == "Cf"


@cache
def plain(char: str) -> str:
    """What one character of a compatibility decomposition (NFKD) is folded to."""
    if char > _LAST_IN_TABLE or (char.isascii() and char.isalnum()):
        return char.lower() if char.isascii() else char
    if is_invisible(char) or unicodedata.combining(char):
        return ""
    return _punctuation(char) if unicodedata.category(char)[0] in "PZCS" else _letter(char)


def table() -> dict[str, dict[str, str]]:
    """What `plain` and `spelled` change, of the characters up to U+FFFF outside ASCII."""
    chars = [char for char in map(chr, range(0x80, 0xD800)) if _is_decomposed(char)]
    chars += [char for char in map(chr, range(0xE000, 0xFFFE)) if _is_decomposed(char)]
    letters = {char: plain(char) for char in chars if plain(char) != char}
    return {"plain": letters, "latin": {char: _latin(char) for char in chars if _is_foreign(char)}}


def _is_decomposed(char: str) -> bool:
    return unicodedata.normalize("NFKD", char) == char


def _punctuation(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Pi", "Pf") or char in _QUOTES:
        return ""
    if category == "Pd" or char in "−⁃":
        return "-"
    return " " if category[0] == "Z" or category == "Cc" or char in _COMMAS else char


def _letter(char: str) -> str:
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.digit(char))
    if unicodedata.category(char) == "Lm" and 0x02B9 <= ord(char) <= 0x02EE:
        return ""  # what transliterations write for hamza, ayin, a glottal stop or an apostrophe
    if _script(char) == "LATIN":
        return "".join(filter(str.isalnum, anyascii(char).lower()))
    small = unicodedata.normalize("NFKD", char.casefold())
    return small if small == char else "".join(map(plain, small))


@cache
def _latin(char: str) -> str:
    if not _is_foreign(char):
        return char
    return "".join(filter(str.isalnum, anyascii(char).lower()))


def _is_foreign(char: str) -> bool:
    return _script(char) in _TRANSLITERATED and char.isalpha() and plain(char) == char


def _script(char: str) -> str:
    return unicodedata.name(char, "?").split()[0]


def _written(letters: dict[str, str]) -> str:
    """JSON in plain letters, six on a line."""
    pairs = [f"{json.dumps(one)}:{json.dumps(other)}" for one, other in letters.items()]
    lines = [",".join(pairs[at : at + 6]) for at in range(0, len(pairs), 6)]
    return "{" + ",\n ".join(lines) + "}"


if __name__ == "__main__":  # makes folded_letters.json
    parts = [f'"{name}":\n {_written(letters)}' for name, letters in table().items()]
    sys.stdout.write("{" + ",\n".join(parts) + "}\n")
