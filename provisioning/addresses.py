"""E-mail addresses: what we accept and in which form we keep them (reliability.md S14)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna
from django.utils.translation import gettext as _

_LOCAL = re.compile(r"^[^\s\"(),:;<>@\[\]\\\x00-\x20\x7f]+$")


class BadAddress(ValueError):
    """The text is no address that mail or Webex could use; the message says why."""


def normalise(text: str) -> str:
    """The address as we keep it: local part as typed, domain in IDNA ASCII lower case.

    Accepts at most 254 characters in all and 64 before the @ (RFC 5321). Refuses quotes,
    comments, IP literals, control characters, text that Unicode would rewrite, and domains
    of one label.

    Raises:
        BadAddress: with words for the person who typed it.
    """
    address = text.strip()
    if not address:
        raise BadAddress(_("Enter an email address."))
    if len(address) > 254 or unicodedata.normalize("NFKC", address) != address:
        raise BadAddress(_("This is not an email address that mail can be sent to."))
    local, at, domain = address.rpartition("@")
    if not at or not local or "@" in local:
        raise BadAddress(_("An email address has one @ with something on both sides of it."))
    if len(local) > 64 or not _LOCAL.match(local) or _bad_dots(local) or _has_control(local):
        raise BadAddress(_("The part before the @ cannot be used in an email address."))
    return f"{local}@{_domain(domain)}"


def same(one: str, other: str) -> bool:
    """True for two spellings of one address, as far as we may tell: case does not matter."""
    return one.strip().casefold() == other.strip().casefold()


def _bad_dots(local: str) -> bool:
    return local.startswith(".") or local.endswith(".") or ".." in local


def _has_control(local: str) -> bool:
    if local.isascii():
        return False  # _LOCAL refuses those
    return any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp") for char in local)


@lru_cache(maxsize=2048)  # thousands of users share a few hundred domains, and IDNA is slow
def _domain(domain: str) -> str:
    try:
        ascii_form = idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise BadAddress(_("The part after the @ is not the name of a mail domain.")) from error
    labels = ascii_form.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or _mixes_scripts(domain):
        raise BadAddress(_("The part after the @ is not the name of a mail domain."))
    return ascii_form


def _mixes_scripts(domain: str) -> bool:
    """A label of two alphabets, such as a Cyrillic a among Latin letters, is a trick."""
    if domain.isascii():
        return False
    for label in domain.split("."):
        scripts = {unicodedata.name(char, "?").split()[0] for char in label if char.isalpha()}
        if len(scripts) > 1:
            return True
    return False
