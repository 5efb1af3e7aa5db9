"""What services raise when they do not do what a person asked for."""

from __future__ import annotations


class Refused(Exception):
    """It cannot be done; the message is for the person who asked, in the reader's language.

    Attributes:
        code: stable and short, for tests and support.
        field: the form field it belongs to, or "".
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field
