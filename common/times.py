"""How times are said: to how long ago, by the clock, or exactly, in the reader's zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

Words = Callable[[int], str]
#: Seconds; the same numbers as in relative-time.js.
MINUTE, HOUR, DAY, WEEK, MONTH, YEAR = 60, 3600, 86400, 604800, 2629800, 31557600


def iso(moment: datetime) -> str:
    """Write a moment in UTC as an attribute `datetime` has it."""
    # strftime takes five times as long, and a page has a hundred times on it.
    return f"{moment.astimezone(UTC).isoformat()[:19]}Z"


@dataclass(frozen=True, slots=True)
class Clock:
    """How times are said to one reader: the present, the active time zone and language."""

    now: datetime
    zone: tzinfo
    language: str | None

    @classmethod
    def of_reader(cls, now: datetime) -> Clock:
        """The clock of whoever the page is made for."""
        return cls(now, timezone.get_current_timezone(), get_language())

    def exact(self, moment: datetime) -> str:
        """Write date, time and zone."""
        local = moment.astimezone(self.zone)
        time = local.isoformat()[11:19]
        return f"{_date_words(local.date(), self.language)} {time} {local.tzname()}"

    def short(self, moment: datetime) -> str:
        """Write the time of day, after its date if that isn't today."""
        local = moment.astimezone(self.zone)
        time = local.isoformat()[11:16]
        today = self.now.astimezone(self.zone).date()
        if local.date() == today:
            return time
        is_of_year = local.year == today.year
        return f"{_date_words(local.date(), self.language, is_of_year)} {time}"

    def relative(self, moment: datetime) -> str:
        """Say how long ago a moment was, or in how long it is.

        The words are those of `Intl.RelativeTimeFormat(…, {style: "short"})`, so that
        `relative-time.js` continues in the same voice.
        """
        seconds = int((self.now - moment).total_seconds())
        for size in (YEAR, MONTH, WEEK, DAY, HOUR, MINUTE):
            if abs(seconds) >= size:
                return _counted(size, abs(seconds) // size, seconds < 0, self.language)
        return gettext("now")


@lru_cache(maxsize=512)
def _date_words(day: date, language: str | None, is_of_year: bool = False) -> str:
    """Write a day in the active language, which is a part of the cache's key."""
    return date_format(day, "SHORT_DATE_FORMAT" if is_of_year else "DATE_FORMAT")


@lru_cache(maxsize=1024)
def _counted(size: int, n: int, is_ahead: bool, language: str | None) -> str:
    """Say it in the active language, which is a part of the cache's key."""
    return (_AHEAD if is_ahead else _AGO)[size](n) % {"n": n}


_AGO: dict[int, Words] = {
    YEAR: lambda n: ngettext("%(n)s yr. ago", "%(n)s yr. ago", n),
    MONTH: lambda n: ngettext("%(n)s mo. ago", "%(n)s mo. ago", n),
    WEEK: lambda n: ngettext("%(n)s wk. ago", "%(n)s wk. ago", n),
    DAY: lambda n: ngettext("%(n)s day ago", "%(n)s days ago", n),
    HOUR: lambda n: ngettext("%(n)s hr. ago", "%(n)s hr. ago", n),
    MINUTE: lambda n: ngettext("%(n)s min. ago", "%(n)s min. ago", n),
}
_AHEAD: dict[int, Words] = {
    YEAR: lambda n: ngettext("in %(n)s yr.", "in %(n)s yr.", n),
    MONTH: lambda n: ngettext("in %(n)s mo.", "in %(n)s mo.", n),
    WEEK: lambda n: ngettext("in %(n)s wk.", "in %(n)s wk.", n),
    DAY: lambda n: ngettext("in %(n)s day", "in %(n)s days", n),
    HOUR: lambda n: ngettext("in %(n)s hr.", "in %(n)s hr.", n),
    MINUTE: lambda n: ngettext("in %(n)s min.", "in %(n)s min.", n),
}
