"""Text that others wrote, fit to stand in a line of ours."""

from __future__ import annotations

import re
import unicodedata

#: Longest name of a person that a mail greets with.
_NAME_LENGTH = 60
#: What mail programs make links of: an address, or a word with a dot and two letters after it.
_LINK = re.compile(r"[/\\@]|\w\.\w{2,}|:\s*\w+\.", re.UNICODE)


def one_line(text: str) -> str:
    """Text without line breaks, control characters and marks that turn its direction."""
    shown = (c if c.isprintable() else " " for c in text if unicodedata.category(c) != "Cf")
    return " ".join("".join(shown).split())


def greeting_name(text: str) -> str:
    """A first name out of another system, to greet with; "" for what is no name.

    Whoever sets names at the backend must not write into our mails: no links, no sentences.
    """
    name = one_line(text)
    plain = unicodedata.normalize("NFKC", name).replace("。", ".")  # as mail programs take a dot
    return "" if len(name) > _NAME_LENGTH or _LINK.search(plain) else name
