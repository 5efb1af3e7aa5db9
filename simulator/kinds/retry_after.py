"""Every form in which a Retry-After was ever seen, and some more."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime

from simulator.kinds.base import ANY, Option


def http_date(moment: datetime) -> str:
    """Return an HTTP-date (RFC 9110, 5.6.7)."""
    return format_datetime(moment, usegmt=True)


def _date(seconds: int, now: datetime) -> list[str]:
    # Its Date header is cut to the second: one more, so that the wait is never too short.
    return [http_date(now + timedelta(seconds=seconds + 1))]


Form = Callable[[int, datetime], list[str]]
FORMS: dict[str, Form] = {
    "seconds": lambda seconds, _now: [str(seconds)],
    "date": _date,
    "absent": lambda _seconds, _now: [],
    "zero": lambda _seconds, _now: ["0"],
    "negative": lambda seconds, _now: [str(-seconds or -1)],
    "decimal": lambda seconds, _now: [f"{seconds}.5"],
    "huge": lambda _seconds, _now: ["1000000000"],
    "text": lambda _seconds, _now: ["in a little while"],
    "past_date": lambda _seconds, now: [http_date(now - timedelta(hours=1))],
    "malformed_date": lambda _seconds, _now: ["Tue, 31 Feb 2026 25:61:00 GMT"],
    "empty": lambda _seconds, _now: [""],
    "two": lambda seconds, _now: [str(seconds), str(seconds * 10)],
}
FORM = Option("seconds", "form of Retry-After; any: drawn for each request", values=(*FORMS, ANY))
SECONDS = Option(3, "seconds that Retry-After announces", least=0, most=86400)


def headers(form: str, seconds: float, now: datetime) -> list[tuple[str, str]]:
    """Return the Retry-After headers of this form."""
    return [("Retry-After", value) for value in FORMS[form](math.ceil(seconds), now)]
