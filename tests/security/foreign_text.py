"""Finds texts of a page that could move our own words (see common/bidi.py)."""

from __future__ import annotations

from html.parser import HTMLParser

from common.bidi import FSI, LRI, PDI

#: Right-to-left letters, and an override that nobody closes, within a text of the world's.
HEBREW = "\u05d0\u05d1\u05d2"
OVERRIDE = "\u202e"
WORD = f"{HEBREW}{OVERRIDE}zqx"
#: Attributes that nobody reads as a part of a sentence: they are sent, copied or looked up.
_SILENT = ("value", "href", "src", "action", "name", "content", "id", "for", "class")
#: Elements whose text is a whole of its own, as typed.
_WHOLE = frozenset({"bdi", "textarea", "code", "pre", "script", "style"})
_VOID = frozenset(["br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if not (name in _SILENT or name.startswith(("data-", "hx-"))):
                self._read(value or "", f"<{tag} {name}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        inside = not _WHOLE.isdisjoint(self.open)
        is_typed = not {"textarea", "script"}.isdisjoint(self.open)
        if not is_typed and (OVERRIDE in data or not inside):
            self._read(data, f"<{self.open[-1] if self.open else ''}>")

    def _read(self, text: str, where: str) -> None:
        if moves(text):
            self.found.append(f"{where} {ascii(text.strip())[:160]}")


def moves(text: str) -> bool:
    """Tell whether a plain text has foreign letters outside an isolate, or a control of theirs."""
    depth = 0
    for char in text:
        depth += (char in (FSI, LRI)) - (char == PDI)
        if char == OVERRIDE or (depth <= 0 and char in HEBREW):
            return True
    return depth != 0


def moving_texts(html: str) -> list[str]:
    """Where the page holds foreign text that is not isolated."""
    reader = _Reader()
    reader.feed(html)
    return reader.found
