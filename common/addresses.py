"""E-mail addresses: what we accept, in which form we keep them, and how people see them.

There is one way in, `normalise`, for the portal, the console, bulk and files, and one way out,
`shown`. What people paste is unwrapped first, then put into its one form, and that is judged.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import idna
from django.utils.translation import gettext as _

_LOCAL = re.compile(r"^[^\s\"(),:;<>@\[\]\\\x00-\x20\x7f]+$")
#: Longest text that is looked at: an address with a long name before it.
_MAX_TYPED = 1000
#: "Anna Holm <anna@firma.example>", as mail programs copy it.
_NAMED = re.compile(r"[^<>]*<\s*([^<>]*?)\s*>")
_WRAPPERS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "“": "”",
    "„": "“",
    "‘": "’",
    "«": "»",
    '"': '"',
    "'": "'",
}
#: Scripts that one label may hold together: "highly restrictive" of Unicode Technical Standard 39,
#: 5.2. Any other mixture, such as a Cyrillic а among Latin letters, is a trick.
_TOGETHER = (
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)
_ANY_SCRIPT = {"COMMON", "INHERITED"}


class BadAddress(ValueError):
    """The text is no address that mail or Webex could use; the message says why."""


def normalise(text: str) -> str:
    """The address as we keep it: local part as typed, domain in IDNA ASCII lower case.

    Reads also `Name <address>`, `<address>`, `mailto:address`, full-width letters, quotes around
    it, a final dot or comma, and invisible marks. Accepts at most 254 characters in all and 64
    before the @ (RFC 5321). Refuses quoted local parts, comments, IP literals, control characters,
    text that Unicode would rewrite, several addresses, domains of one label, and domains that mix
    scripts.

    Raises:
        BadAddress: with words for the person who typed it.
    """
    address = _unwrapped(text)
    if not address:
        raise BadAddress(_("Enter an email address."))
    if len(address) > 254 or unicodedata.normalize("NFKC", address) != address:
        raise BadAddress(_("This is not an email address that mail can be sent to."))
    local, at, domain = address.rpartition("@")
    if "@" in local and re.search(r"[\s,;]", address):
        raise BadAddress(_("These are several addresses. Enter one."))
    if not at or not local or "@" in local:
        raise BadAddress(_("An email address has one @ with something on both sides of it."))
    if len(local) > 64 or not _LOCAL.match(local) or _bad_dots(local) or _is_odd(local):
        raise BadAddress(_("The part before the @ cannot be used in an email address."))
    return f"{local}@{_domain(domain)}"


def same(one: str, other: str) -> bool:
    """True for two spellings of one address, as far as we may tell: case does not matter."""
    return one.strip().casefold() == other.strip().casefold()


def shown(address: str) -> str:
    """The address as people read it: `anna@xn--blbr-roah.example` is `anna@blåbær.example`.

    A domain that looks like another one stays in its ASCII form. Anything else is left as it is.
    """
    local, at, domain = address.rpartition("@")
    return f"{local}@{_shown_domain(domain)}" if at and "xn--" in domain.lower() else address


_ENCODED = re.compile(rb"@[a-zA-Z0-9.-]*xn--[a-zA-Z0-9.-]+")


def shown_in(text: bytes) -> bytes:
    """UTF-8 text with each address in it as people read it."""
    if b"xn--" not in text:
        return text
    return _ENCODED.sub(lambda found: shown(found[0].decode()).encode(), text)


# ---- Taking the wrapping off ----


def _unwrapped(text: str) -> str:
    """What is left of a pasted text without marks that nobody sees and without its wrapping."""
    address = _visible(text[:_MAX_TYPED]).strip()
    while (inner := _without_wrapper(address)) != address:
        address = inner
    return address if address.endswith("..") else address.removesuffix(".")


def _visible(text: str) -> str:
    """Without format characters (category Cf: zero width, direction, BOM), full width narrowed."""
    kept = (char for char in text if unicodedata.category(char) != "Cf" and char not in _FILLERS)
    return unicodedata.normalize("NFC", "".join(map(_narrow, kept)))


#: Characters without a picture that are no format characters.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def _narrow(char: str) -> str:
    is_wide = unicodedata.decomposition(char).startswith("<wide>")
    return unicodedata.normalize("NFKC", char) if is_wide else char


def _without_wrapper(address: str) -> str:
    if named := _NAMED.fullmatch(address):
        return named[1]
    if address[:7].lower() == "mailto:":
        return unquote(address[7:].partition("?")[0]).strip()
    if len(address) > 1 and _WRAPPERS.get(address[0]) == address[-1]:
        return address[1:-1].strip()
    return address.rstrip(",; ")


# ---- Judging ----


def _bad_dots(local: str) -> bool:
    return local.startswith(".") or local.endswith(".") or ".." in local


def _is_odd(local: str) -> bool:
    """Control characters, odd blanks, or a word of mixed scripts."""
    if local.isascii():
        return False  # _LOCAL refuses those
    odd = ("Cc", "Cs", "Zs", "Zl", "Zp")
    if any(unicodedata.category(char) in odd for char in local):
        return True
    return any(map(_mixes, re.split(r"[.+_-]", local)))


@lru_cache(maxsize=2048)  # thousands of users share a few hundred domains, and IDNA is slow
def _domain(domain: str) -> str:
    try:
        ascii_form = idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
        labels = _decoded(ascii_form)
    except (idna.IDNAError, UnicodeError) as error:
        raise BadAddress(_("The part after the @ is not the name of a mail domain.")) from error
    if len(labels) < 2 or not labels[-1] or _is_number(labels[-1]) or any(map(_mixes, labels)):
        raise BadAddress(_("The part after the @ is not the name of a mail domain."))
    return ascii_form


def _decoded(ascii_domain: str) -> list[str]:
    """The labels as they read; browsers have turned them into `xn--` before we see them."""
    return [idna.decode(label) if label else "" for label in ascii_domain.split(".")]


def _is_number(label: str) -> bool:
    """Whoever resolves such a name takes it for an IP address (WHATWG URL, 3.5)."""
    return label.isdigit() or re.fullmatch(r"0x[0-9a-f]*", label) is not None


def _mixes(label: str) -> bool:
    scripts = _scripts(label)
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


def _scripts(label: str) -> set[str]:
    if label.isascii():
        return set()
    # Imported here: its tables take a fifth of a second, and most processes never meet such a name.
    from confusable_homoglyphs import categories

    return {categories.alias(char) for char in label} - _ANY_SCRIPT


@lru_cache(maxsize=2048)
def _shown_domain(domain: str) -> str:
    try:
        labels = _decoded(domain.lower())
    except (idna.IDNAError, UnicodeError):
        return domain
    if any(_mixes(label) or _looks_like_ascii(label) for label in labels):
        return domain
    return ".".join(labels)


def _looks_like_ascii(label: str) -> bool:
    """Whether every letter has a twin in ASCII, as in Cyrillic "аррӏе" (UTS 39, 4)."""
    if label.isascii():
        return False
    from confusable_homoglyphs import confusables

    found = confusables.is_confusable(label, greedy=True, preferred_aliases=[]) or []
    twins = {
        item["character"]
        for item in found
        if any(glyph["c"].isascii() for glyph in item["homoglyphs"])
    }
    return all(char.isascii() or char in twins for char in label)
