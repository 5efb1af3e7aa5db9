"""Texts that are not ours, so that they keep their place in our own sentences.

Unicode's bidirectional algorithm (UAX 9): letters that run from right to left take numbers and
marks beside them along, and a control that nobody closes turns the rest of the paragraph round.
"""

from __future__ import annotations

import re

#: First Strong, Left-to-Right and Pop Directional Isolate: what `<bdi>` is where no tag can be.
FSI, LRI, PDI = "\u2068", "\u2066", "\u2069"

#: Embeddings and overrides: a text needs none of them within an isolate of its own.
_OVERRIDES = re.compile("[\u202a-\u202e]")
_ISOLATES = re.compile("[\u2066-\u2069]")
#: What ends a paragraph, and with it every isolate.
_ENDS = re.compile("[\n\r\x1c-\x1e\x85\u2029]+")
#: Blocks of scripts that run from right to left, and marks and controls that do.
_TURNS = re.compile(
    "[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefe"
    "\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


def turns(text: str) -> bool:
    """Tell whether the text could move what stands beside it."""
    return not text.isascii() and _TURNS.search(text) is not None


def neutral(text: str) -> str:
    """The text without controls and ends of paragraphs that reach beyond it.

    Isolates that are closed stay: they may be our own, around a part of it.
    """
    return _closed(_ENDS.sub(" ", _OVERRIDES.sub("", text))) if turns(text) else text


def _closed(text: str) -> str:
    """Leave out isolates without an end, and ends without a beginning."""
    begun: list[int] = []
    lone: set[int] = set()
    for found in _ISOLATES.finditer(text):
        if found[0] != PDI:
            begun.append(found.start())
        elif begun:
            begun.pop()
        else:
            lone.add(found.start())
    lone.update(begun)
    return "".join(char for place, char in enumerate(text) if place not in lone)


def spelt_out(json: str) -> str:
    """JSON in which every control that moves text can be read, as an escape of JSON."""
    escaped = _OVERRIDES.sub(_escape, json)
    return _ISOLATES.sub(_escape, escaped)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def isolated(text: str) -> str:
    """The text as a part of our own plain text: a title, an attribute, a message, a mail.

    One that runs as ours do stays as it is. An address runs from left to right, whatever its
    parts do.
    """
    if not turns(text):
        return text
    if parts := address_parts(text):
        return f"{LRI}{isolated(parts[0])}@{isolated(parts[1])}{PDI}"
    return f"{FSI}{neutral(text)}{PDI}"


def address_parts(text: str) -> tuple[str, str] | None:
    """Local part and host of an e-mail address or BroadWorks ID; None for another text."""
    local, at, host = text.rpartition("@")
    return (local, host) if at and not any(map(str.isspace, text)) else None
