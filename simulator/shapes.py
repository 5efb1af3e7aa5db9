"""What control requests and world documents may say: anything else is refused with words.

A member that is null counts as left out. All refusals are ValueErrors whose text names the member
and says what is expected.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from django.http import HttpRequest

Body = dict[str, Any]
#: What the database can't keep in a text.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: The longest text that may be part of a key.
LONGEST = 256
#: More than three years, either way: far from the ends of the calendar.
MOST_SECONDS = 1e8
MOST_WHOLE = 2**31 - 1


@dataclass(frozen=True)
class Shape:
    """What a member may be: words for whoever got it wrong, and the test."""

    expected: str
    fits: Callable[[Any], bool]


def text(most: int = LONGEST, *, least: int = 0) -> Shape:
    """Return the shape of a text of so many characters."""
    words = f"a text of {least} to {most} characters" if least else f"a text (up to {most})"
    return Shape(words, lambda value: isinstance(value, str) and least <= len(value) <= most)


def number(least: float, most: float) -> Shape:
    """Return the shape of a number within limits."""
    words = f"a number from {least:g} to {most:g}"
    return Shape(words, lambda value: _is_number(value) and least <= value <= most)


def whole(least: int, most: int = MOST_WHOLE) -> Shape:
    """Return the shape of a whole number within limits."""
    words = f"a whole number from {least} to {most}"
    return Shape(words, lambda value: type(value) is int and least <= value <= most)


def one_of(*words: str) -> Shape:
    """Return the shape of one of a few words."""
    return Shape(f"one of {', '.join(words)}", lambda value: value in words)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


TEXT, NAME, LONG_TEXT = text(), text(least=1), text(100_000)
FLAG = Shape("true or false", lambda value: isinstance(value, bool))
SECONDS = number(-MOST_SECONDS, MOST_SECONDS)
TEXTS = Shape("a list of texts", _are_texts)
LIST = Shape("a list", lambda value: isinstance(value, list))
OBJECT = Shape("an object", lambda value: isinstance(value, dict))
SHARES = Shape(
    "an object of numbers",
    lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
)
SEED = Shape("a text or a whole number", lambda value: isinstance(value, str) or type(value) is int)
TIME = Shape("a time", lambda value: isinstance(value, str) or _is_number(value))


def checked(
    body: Mapping[str, Any], shapes: Mapping[str, Shape], needed: Collection[str] = ()
) -> Body:
    """Return the members that are there; raises ValueError for one that cannot be."""
    if unknown := sorted(body.keys() - shapes.keys()):
        raise ValueError(f"unknown members: {', '.join(unknown)}; known: {', '.join(shapes)}")
    given = {name: value for name, value in body.items() if value is not None}
    for name in needed:
        if name not in given:
            raise ValueError(f"{name} is missing: {shapes[name].expected} expected")
    for name, value in given.items():
        if not shapes[name].fits(value):
            raise ValueError(f"{name}: {shapes[name].expected} expected")
    return given


def whole_of(query: Mapping[str, str], name: str, default: int, most: int = 2**63 - 1) -> int:
    """Return a whole number from 0 of a query; too large a one is cut."""
    value = query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,30}", value):
        raise ValueError(f"{name}: a whole number from 0 expected")
    return min(int(value), most)


def body_of(request: HttpRequest) -> Body:
    """Return the JSON object of a request, empty without a body; raises ValueError."""
    return read(request.body) if request.body else {}


def read(content: bytes | str) -> Body:
    """Return a JSON object that can be stored; raises ValueError."""
    try:
        body = json.loads(content, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        words = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"This is not valid JSON: {words}") from None
    if not isinstance(body, dict):
        raise ValueError("a JSON object expected")
    if not _is_storable(body):
        raise ValueError("No text may hold U+0000 or half a surrogate pair.")
    return body


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")  # Python reads NaN and Infinity, RFC 8259 has neither


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large")
    return value


def _is_storable(body: Body) -> bool:
    """Look into every text; without recursion, since a body may be nested deeply."""
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, str) and UNSTORABLE.search(value):
            return False
        if isinstance(value, dict):
            left.extend(value.keys())
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return True
