"""Names that people give: of partners, people, templates. One normaliser for all of them.

A form's field tidies what was typed, a model's field whatever is stored or looked for.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models

from common.folding import is_invisible

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField

_JOINERS = "\u200c\u200d"
_UNSTORABLE = "\0\ufffe\uffff"


def tidy(text: str) -> str:
    """The name as it is kept: NFC, single blanks, nothing that cannot be seen.

    "" when nothing would be seen of it. Joiners stay where a script needs them.
    """
    normal = unicodedata.normalize("NFC", text)
    kept = "".join(_kept(normal, place) for place in range(len(normal)))
    words = unicodedata.normalize("NFC", " ".join(kept.split()))
    return words if any(map(_is_visible, words)) else ""


def _kept(text: str, place: int) -> str:
    char = text[place]
    if char in _JOINERS:
        return char if _joins(text, place) else ""
    if char in _UNSTORABLE or unicodedata.category(char) == "Cs":
        return ""
    if unicodedata.category(char) in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    return "" if is_invisible(char) else char


def _joins(text: str, place: int) -> bool:
    """RFC 5892, A.1 and A.2: behind a virama, or between letters that are written together."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before or not after:
        return False
    letters = unicodedata.bidirectional(before), unicodedata.bidirectional(after)
    return unicodedata.combining(before) == 9 or letters == ("AL", "AL")


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] not in "ZMC" or unicodedata.category(char) in ("Cn", "Co")


class NameFormField(forms.CharField):
    """A name in a form; one of which nothing can be seen is none."""

    def to_python(self, value: Any) -> str:
        return tidy(super().to_python(value) or "")


class NameField(_CharField):
    """A name in a table; tidied, so that two that look the same are the same to the database."""

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return tidy(prepared) if isinstance(prepared, str) else prepared

    def to_python(self, value: Any) -> Any:
        read = super().to_python(value)
        return tidy(read) if isinstance(read, str) else read

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**({"form_class": NameFormField} | kwargs))

    def deconstruct(self) -> Any:
        """A migration sees the column, which is any other's."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
