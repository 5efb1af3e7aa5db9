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
#: How mail programs and lists copy an address: "Anna Holm <anna@firma.example>",
#: "Anna Holm [mailto:anna@firma.example]", "anna@firma.example (Anna Holm)", "E-mail: anna@…".
_COPIED = (
    re.compile(r"[^<>]*<\s*([^<>]*?)\s*>"),
    re.compile(r"[^@]*[(\[]\s*([^()\[\]\s]+@[^()\[\]\s]+?)\s*[)\]]"),
    re.compile(r"(\S+@[^\s()]+)\s*\([^()@]*\)"),
    re.compile(r"\[[^\[\]]*\]\((mailto:[^()]*)\)", re.IGNORECASE),
    re.compile(r"(?:e-?mail|e-?post|mail|smtp|to|til)\s*:\s*(.*)", re.IGNORECASE),
)
_WRAPPERS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "“": "”",
    "„": "“",
    "‘": "’",
    "‚": "‘",
    "«": "»",
    "»": "«",
    "‹": "›",
    "「": "」",
    "`": "`",
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
    local parts that Unicode would rewrite, several addresses, domains of one label or of mixed
    scripts.

    Raises:
        BadAddress: with words for the person who typed it.
    """
    address = _unwrapped(text)
    if not address:
        raise BadAddress(_("Enter an email address."))
    local, at, domain = address.rpartition("@")
    if "@" in local and re.search(r"[\s,;]", address):
        raise BadAddress(_("These are several addresses. Enter one."))
    if len(address) > 254 or unicodedata.normalize("NFKC", local) != local:
        raise BadAddress(_("This is not an email address that mail can be sent to."))
    if not at or not local or "@" in local:
        raise BadAddress(_("An email address has one @ with something on both sides of it."))
    if len(local) > 64 or not _LOCAL.match(local) or _bad_dots(local) or _is_odd(local):
        raise BadAddress(_("The part before the @ cannot be used in an email address."))
    return f"{local}@{_domain(domain)}"


def same(one: str, other: str) -> bool:
    """True for two spellings of one address, as far as we may tell: case does not matter."""
    return _spelt_alike(one) == _spelt_alike(other)


def _spelt_alike(address: str) -> str:
    """In small letters, the domain in ASCII where it has such a form."""
    local, at, domain = address.strip().casefold().rpartition("@")
    try:
        return f"{local}{at}{domain if domain.isascii() else _in_ascii(domain)}"
    except UnicodeError:  # idna.IDNAError is one
        return f"{local}{at}{domain}"


def shown(address: str) -> str:
    """The address as people read it: `anna@xn--blbr-roah.example` is `anna@blåbær.example`.

    A domain that looks like another one is given in its ASCII form, also when another system keeps
    it in letters. Anything else is left as it is.
    """
    local, at, domain = address.rpartition("@")
    if not at or (domain.isascii() and "xn--" not in domain.lower()):
        return address
    return f"{local}@{_shown_domain(domain)}"


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
    return address if re.search(r"[.。]{2}$", address) else re.sub(r"[.。]$", "", address)


def _visible(text: str) -> str:
    """Without marks that nobody sees, in letters of the usual width."""
    kept = (char for at, char in enumerate(text) if not _is_invisible(char) or _joins(text, at))
    return unicodedata.normalize("NFC", "".join(map(_usual_width, kept)))


def _is_invisible(char: str) -> bool:
    """Format characters (category Cf: zero width, direction, BOM), and others without a picture."""
    return unicodedata.category(char) == "Cf" or _FILLERS.match(char) is not None


#: What Unicode lets programs ignore (Default_Ignorable_Code_Point) that is no format character:
#: fillers, and the variation selectors that follow pasted pictures.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_JOINERS = "\u200c\u200d"


def _joins(text: str, at: int) -> bool:
    """Whether it is one of the two marks that Persian and Indian names need (RFC 5892, A.1)."""
    return text[at] in _JOINERS and "@" in text[:at] and idna.valid_contextj(text, at)


def _usual_width(char: str) -> str:
    is_other = unicodedata.decomposition(char).startswith(("<wide>", "<narrow>", "<small>"))
    return unicodedata.normalize("NFKC", char) if is_other else char


def _without_wrapper(address: str) -> str:
    if address[:7].lower() == "mailto:":
        return unquote(address[7:].partition("?")[0]).removeprefix("//").strip()
    for form in _COPIED:
        if copied := form.fullmatch(address):
            return copied[1]
    if len(address) > 1 and _WRAPPERS.get(address[0]) == address[-1]:
        return address[1:-1].strip()
    half_copied = address.endswith(">") and "<" not in address
    return address.rstrip(",;> " if half_copied else ",; ")


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
        ascii_form = _in_ascii(domain)
        labels = _decoded(ascii_form)
    except UnicodeError as error:  # idna.IDNAError is one
        raise BadAddress(_("The part after the @ is not the name of a mail domain.")) from error
    if len(labels) < 2 or not labels[-1] or _is_number(labels[-1]) or any(map(_mixes, labels)):
        raise BadAddress(_("The part after the @ is not the name of a mail domain."))
    return ascii_form


def _in_ascii(domain: str) -> str:
    return idna.encode(domain, uts46=True, std3_rules=True).decode().lower()


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
        ascii_form = domain if domain.isascii() else _in_ascii(domain)
        labels = _decoded(ascii_form.lower())
    except UnicodeError:
        return domain
    return ".".join(labels) if all(map(_is_plain, labels)) else ascii_form


def _is_plain(label: str) -> bool:
    """Whether people may take the letters for what they are."""
    if label.isascii():
        return True
    return not (_mixes(label) or _ODD.search(label) or _has_added_marks(label) or _is_twin(label))


#: Letters of phonetic alphabets and manuscripts, which no name needs (UTS 39, 3.1), and joiners.
_ODD = re.compile(rf"[\u0250-\u02af\u1d00-\u1dbf\ua720-\ua7ff\uab30-\uab6f{_JOINERS}]")


def _has_added_marks(label: str) -> bool:
    """An accent of its own, such as a second dot on an i: usual ones are part of their letter."""
    is_european = _scripts(label) & {"LATIN", "GREEK", "CYRILLIC"}
    return bool(is_european) and any(unicodedata.combining(char) for char in label)


def _is_twin(label: str) -> bool:
    """Whether every letter has a twin in ASCII, as in Cyrillic "аррӏе" (UTS 39, 4).

    One letter for one: æ is not taken for ae.
    """
    from confusable_homoglyphs import confusables

    found = confusables.is_confusable(label, greedy=True, preferred_aliases=[]) or []
    twins = {
        item["character"]
        for item in found
        if any(glyph["c"].isascii() and len(glyph["c"]) == 1 for glyph in item["homoglyphs"])
    }
    return all(char.isascii() or char in twins for char in label)
