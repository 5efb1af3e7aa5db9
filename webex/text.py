"""Foreign values made fit to keep: text that PostgreSQL stores, codes as text, moments in UTC."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

#: PostgreSQL refuses NUL; a lone surrogate is no character and can't be encoded.
#: Characters of a code; Cisco's have at most six.
CODE_LIMIT = 40
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(value: object, limit: int) -> str:
    """Return a text or number as text of at most `limit` characters, anything else as ""."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = value if isinstance(value, str) else (code_text(value) or "")
    return _UNSTORABLE.sub("�", text[:limit]).strip()


def code_text(value: object) -> str | None:
    """Return an error code as text: 10022, 10022.0 and "10022" are all "10022".

    The contract types codes as `number`, so JSON writers may add ".0".
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        value = int(value) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10 ** (CODE_LIMIT - 1) else None
    if not isinstance(value, str):
        return None
    text = _UNSTORABLE.sub("�", value[:CODE_LIMIT]).strip()
    whole, dot, zeros = text.partition(".")
    if dot and whole.isdigit() and zeros.strip("0") == "":
        return whole
    return text or None


def moment(value: object) -> datetime | None:
    """Return an ISO 8601 text or epoch milliseconds as UTC, or None; the contract names no form."""
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value.strip())
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def epoch_ms(when: datetime) -> str:
    """Return a moment as Webex prefers it in a query: milliseconds since 1970."""
    return str(int(when.timestamp() * 1000))
