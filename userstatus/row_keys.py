"""Short ids of rows, as pages and forms carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def short(number: int) -> str:
    """A number in base 36."""
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
        if not number:
            return text


def number_of(text: str) -> int | None:
    """The number that `short` wrote, None for what no row's id can be."""
    if not text or len(text) > 12 or not (text.isascii() and text.isalnum()):
        return None
    return int(text, 36)


#: Between several keys in one `id`.
_BETWEEN = "."


def joined(numbers: Iterable[int]) -> str:
    """The keys of several rows as one text, which `keys_of` reads."""
    return _BETWEEN.join(short(number) for number in numbers)


def keys_of(values: Sequence[str]) -> list[int]:
    """The ids behind the keys, each once, in their order."""
    found = (number_of(key) for value in values for key in value.split(_BETWEEN))
    return list(dict.fromkeys(pk for pk in found if pk is not None))
