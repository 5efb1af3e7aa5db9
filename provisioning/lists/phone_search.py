"""Telephone numbers as people write them, made into the digits that users are searched by."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers

#: Documents write some of the dashes with characters of their own.
_BETWEEN = r"\s+()\[\]./\u2010-\u2015\u2212-"
_SCHEME = re.compile(r"\s*(?:(?:callto|sips?|phone):|(?:tel|tlf)(?:\.?:|\.))\s*", re.IGNORECASE)
_EXTENSION = re.compile(
    r"[\s;,]*(?:;\s*ext=|ext(?:ension)?[.:]?|lok(?:al)?[.:]?|x|#)"
    r"\s*(\d{1,8})\s*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"[{_BETWEEN}]*\d[\d{_BETWEEN}]*")
#: A trunk zero that is only dialled at home: +45 (0) 33 90 00 01.
_TRUNK = re.compile(r"[(\[]\s*0\s*[)\]]")
#: One country for each way to dial abroad (00, 011, 8~10) and from home (0, 06, 1, 8).
_WAYS_TO_DIAL = ("DK", "GB", "HU", "US", "RU")
#: Fewer digits are in too many numbers.
_LEAST = 3


@dataclass(frozen=True)
class Phone:
    """What was typed as a number.

    Attributes:
        digits: all that was typed.
        spellings: what stands in the searched texts of a user with that number, any of it.
        extension: to be there besides, or "".
    """

    digits: str
    spellings: list[str]
    extension: str = ""


def read(text: str) -> Phone | None:
    """Return the number or the part of one that a text is, or None."""
    scheme = _SCHEME.match(text)
    text = text[scheme.end() :] if scheme else text
    extension = _EXTENSION.search(text)
    number = text[: extension.start()] if extension else text
    if not _NUMBER.fullmatch(number):
        return None
    return Phone(
        re.sub(r"\D", "", number), _spellings(number), extension.group(1) if extension else ""
    )


def _spellings(number: str) -> list[str]:
    plain = re.sub(r"\D", "", _TRUNK.sub("", number))
    candidates = [plain, plain.lstrip("0"), *_nationally(_TRUNK.sub("", number))]
    return [one for one in dict.fromkeys(candidates) if one == plain or len(one) >= _LEAST]


def _nationally(number: str) -> list[str]:
    """Of a whole number: with its country, and alone as a system may store it that is at home."""
    found = []
    for country in _WAYS_TO_DIAL:
        try:
            read = phonenumbers.parse(number, country)
        except phonenumbers.NumberParseException:
            continue
        if not phonenumbers.is_valid_number(read):
            continue
        national = phonenumbers.national_significant_number(read)
        is_foreign = read.country_code != phonenumbers.country_code_for_region(country)
        is_whole = is_foreign or number.lstrip().startswith("+")
        found += [f"{read.country_code}{national}", f" {national} "] if is_whole else [national]
    return found
