"""What can become of a call to Webex, as exceptions that say what the caller may do next.

The classes follow what is known about the other side's state: nothing was sent, perhaps
something happened, or certainly nothing did. `str()` of an error holds no text of the API, so
that it may be logged; the text is in `.text`, for the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from django.utils.translation import gettext_noop

from webex.text import clean, code_text

#: Seconds. Bounds of what we believe of a Retry-After, and our guess when there is none.
RETRY_AFTER_MIN, RETRY_AFTER_MAX, RETRY_AFTER_DEFAULT = 1, 900, 30


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an unhappy answer said, for the row, the audit log and *Copy error text*.

    `status` is the HTTP status, None when no answer came. `code` is Webex's error code as text
    ("10022"), None when the answer held none. `text` is what the API said, in its own words, or
    empty. `when` is when we learnt it, UTC.
    """

    status: int | None = None
    code: str | None = None
    text: str = field(default="", repr=False)
    tracking_id: str | None = None
    when: datetime = field(default_factory=_now)


class WebexError(Exception):
    """Any call that didn't end in the answer asked for.

    `reason` is one safe word on how it failed; `retry_after` seconds that Webex asked us to wait,
    None if it didn't.
    """

    def __init__(
        self, reason: str, facts: Facts | None = None, *, retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts or Facts()
        self.retry_after = retry_after

    @property
    def status(self) -> int | None:
        return self.facts.status

    @property
    def code(self) -> str | None:
        return self.facts.code

    @property
    def text(self) -> str:
        return self.facts.text

    @property
    def tracking_id(self) -> str | None:
        return self.facts.tracking_id

    @property
    def when(self) -> datetime:
        return self.facts.when

    def __str__(self) -> str:
        said = f"status={self.status} code={self.code} tracking_id={self.tracking_id}"
        return f"{self.reason} ({said})"


class NotSent(WebexError):
    """Not one byte left us: refused, no such name, TLS. Certainly nothing happened."""


class Unknown(WebexError):
    """Webex may or may not have acted: timeout, reset, 5xx, 408, or an answer without sense.

    `reason` is `timeout`, `reset`, `too_large`, `encoding`, `garbage`, `http`, or `foreign` for an
    error that isn't in Webex's form: a gateway before it spoke. After a change: wait, then ask what
    became of it, before any repeat. After a GET: just ask again.
    """


class PagingStopped(Unknown):
    """A listing that could not be followed to its end; what came before is good.

    `reason` is `foreign_link`, `unreadable_link`, `repeated_link`, `page_cap`, or `nothing_new`
    for a link that follows a page of nobody but whom earlier ones brought.
    """


class Throttled(WebexError):
    """429: not processed; nobody may call with this token for `retry_after` seconds."""

    retry_after: int


class Locked(WebexError):
    """423: this one object is busy for `retry_after` seconds; not processed."""

    retry_after: int


class TokenRefused(WebexError):
    """401, or a token that can't even be sent: every call would fail until it is replaced."""


class Forbidden(WebexError):
    """403: the token is good and may not do this."""


class NotFound(WebexError):
    """404 or 410: no such object (any more)."""


class Conflict(WebexError):
    """409: it contradicts what Webex holds; look at what is there."""


class Refused(WebexError):
    """Any other clear no (400, 405, 415, 422, 428, a redirect): the same call fails again."""


_BY_STATUS: dict[int, type[WebexError]] = {
    401: TokenRefused,
    403: Forbidden,
    404: NotFound,
    408: Unknown,
    409: Conflict,
    410: NotFound,
    423: Locked,
    425: Unknown,
    429: Throttled,
}


def error_for(facts: Facts, retry_after: str | None, date: str | None) -> WebexError:
    """Make the error that an HTTP status (never 2xx) stands for.

    `retry_after` and `date` are the headers as received. 429 and 423 always come with seconds
    to wait; the others only when the header was there (503 mostly). Of what isn't recognisably
    Webex's own the status is no proof of anything: Unknown, `foreign`.
    """
    status = facts.status or 0
    kind = _BY_STATUS.get(status) or (Unknown if status >= 500 else Refused)
    is_own = is_own_error(facts)
    kind = kind if is_own else Unknown
    wait = None
    if kind in {Throttled, Locked} or retry_after is not None:
        wait = parse_retry_after(retry_after, date)
    return kind("http" if is_own else "foreign", facts, retry_after=wait)


def is_own_error(facts: Facts) -> bool:
    """Tell whether an error answer is recognisably Webex's own: it holds two of text, code and
    tracking ID, in their places of a JSON object. A gateway's page holds none, its JSON one.
    """
    return sum(map(bool, (facts.text, facts.code, facts.tracking_id))) >= 2


def in_words(error: WebexError, say: Callable[[str], str] = str) -> str:
    """Return what happened, for operations: "something before Webex answered (HTTP 404)".

    In English, as it is kept; `say` (gettext) translates for who reads it now.
    """
    words = say(_phrase_of(error))
    return f"{words} (HTTP {error.status})" if error.status else words


def _phrase_of(error: WebexError) -> str:
    if isinstance(error, NotSent):
        return _NOT_SENT
    if not isinstance(error, Unknown):
        return _REFUSED
    return _WORDS.get(error.reason, _WORDS["http"])


_NOT_SENT = gettext_noop("cannot be reached")
_REFUSED = gettext_noop("Webex refused it")
_WORDS = {
    "http": gettext_noop("unclear answer"),
    "foreign": gettext_noop("something before Webex answered"),
    "foreign_link": gettext_noop("the link to the next page leads to another host"),
    "unreadable_link": gettext_noop("the link to the next page cannot be read"),
    "repeated_link": gettext_noop("the pages of the list lead in a circle"),
    "nothing_new": gettext_noop("the pages of the list bring nothing new"),
    "page_cap": gettext_noop("the list has no end"),
    "timeout": gettext_noop("no answer in time"),
    "reset": gettext_noop("the answer was cut off"),
    "too_large": gettext_noop("the answer was too large"),
    "encoding": gettext_noop("the answer could not be unpacked"),
    "garbage": gettext_noop("the answer made no sense"),
}


def parse_retry_after(value: str | None, response_date: str | None = None) -> int:
    """Return the seconds to wait that a Retry-After header means, from 1 to 900.

    The header is a number of seconds or an HTTP-date (RFC 9110, 10.2.3); a date is read against
    the response's own Date header, because only one clock must decide. What can't be read is 30.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return _clamped(int(text[:9]) if len(text) < 10 else RETRY_AFTER_MAX)
    until, since = _http_date(text), _http_date(response_date or "")
    if until is None or since is None:
        return RETRY_AFTER_DEFAULT
    return _clamped(round((until - since).total_seconds()))


def _clamped(seconds: int) -> int:
    return max(RETRY_AFTER_MIN, min(RETRY_AFTER_MAX, seconds))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def facts_from(status: int, data: object, header_tracking_id: str | None) -> Facts:
    """Read code, text and tracking ID out of an error answer of any known form.

    Webex writes `{"message", "errors": [{"description", "errorCode"?}], "trackingId"}`; some
    services put `errorCode` at the top, and the precheck puts an object (or a list) there.
    """
    body = data if isinstance(data, dict) else {}
    errors = [entry for entry in _as_list(body.get("errors")) if isinstance(entry, dict)]
    top = [entry for entry in _as_list(body.get("errorCode")) if isinstance(entry, dict)]
    codes = [code_of(entry) for entry in errors] + [code_text(body.get("errorCode"))]
    codes += [code_of(entry) for entry in top]
    texts = [clean(entry.get("description"), 1000) for entry in [*errors, *top][:5]]
    texts = [text for text in dict.fromkeys(texts) if text]
    message = clean(body.get("message"), 1000) or clean(body.get("description"), 1000)
    tracking_id = clean(body.get("trackingId") or header_tracking_id, 100)
    return Facts(
        status=status,
        code=next((code for code in codes if code), None),
        text="; ".join(texts) or message,
        tracking_id=tracking_id or None,
    )


def code_of(entry: dict[str, object]) -> str | None:
    """Return the code of one error object; services name it `errorCode` or `code`."""
    return code_text(entry.get("errorCode")) or code_text(entry.get("code"))


def _as_list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
