"""Requests to one Webex API with one token: bytes in, parsed JSON or a `WebexError` out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from common import http
from common.http_guard import UrlRefused, split_origin
from webex.errors import (
    Facts,
    NotSent,
    PagingStopped,
    TokenRefused,
    Unknown,
    error_for,
    facts_from,
)

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*("[^"]*"|'[^']*'|[^\s;,"']+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A 2xx answer: `data` is the parsed JSON, None when the body was empty."""

    status: int
    data: object = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    tracking_id: str | None


class Transport:
    """Knows base URL and token, and how each answer is to be understood."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: http.Timeout = http.DEFAULT_TIMEOUT,
        trusted_hosts: Collection[str] = (),
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._token = token.strip()
        self._timeout = timeout
        self._trusted_hosts = tuple(trusted_hosts)

    def __repr__(self) -> str:
        return "<Transport>"

    def get(self, url: str) -> Reply:
        """GET an absolute URL of ours, once more when the connection failed early.

        Both tries together keep within the one timeout, which leases are reckoned by.
        """
        started = time.monotonic()
        try:
            return self._once("GET", url, None, self._timeout)
        except (NotSent, Unknown) as error:
            if isinstance(error, Unknown) and error.reason != "reset":
                raise
            left = self._timeout.total - (time.monotonic() - started)
            if left < self._timeout.total / 2:
                raise
        return self._once("GET", url, None, replace(self._timeout, total=left))

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Make a change; never tried twice, because the first try may have worked."""
        return self._once(method, self.url(path), body, self._timeout)

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Return the absolute URL of a path below the base URL."""
        return self.base_url + path + ("?" + urlencode(query) if query else "")

    def _once(self, method: str, url: str, body: bytes | None, timeout: http.Timeout) -> Reply:
        request = http.Request(method, url, self._headers(body), body)
        try:
            answer = http.call(request, timeout=timeout, trusted_hosts=self._trusted_hosts)
        except http.NotConnected as error:
            failure: NotSent | Unknown = NotSent(error.reason)
        except http.AnswerLost as error:
            failure = Unknown(error.reason, Facts(status=error.status))
        else:
            return _understood(answer)
        raise failure

    def _headers(self, body: bytes | None) -> dict[str, str]:
        if not re.fullmatch(r"[\x21-\x7e]+", self._token):
            raise TokenRefused("unusable_token")
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return headers


def _understood(answer: http.Answer) -> Reply:
    """Return a 2xx answer as a Reply; raise what any other stands for."""
    tracking_header = answer.headers.get("TrackingID")
    try:
        data = parse_json(answer.body)
        garbage = False
    except ValueError:
        data, garbage = None, True
    facts = facts_from(answer.status, data, tracking_header)
    if not 200 <= answer.status < 300:
        raise error_for(facts, answer.headers.get("Retry-After"), answer.headers.get("Date"))
    if garbage:
        raise Unknown("garbage", facts)
    return Reply(answer.status, data, answer.headers, facts.tracking_id)


def parse_json(body: bytes) -> object:
    """Parse a body; None for an empty one. NaN and infinities become null.

    Raises ValueError for anything that isn't JSON, also for depth that only an attack has.
    """
    if not body.strip():
        return None
    try:
        return json.loads(body, parse_constant=lambda _name: None)
    except RecursionError:
        raise ValueError("too deep") from None


def next_url(header: str | None, current: str, filters: Mapping[str, str]) -> str | None:
    """Return the URL of the next page (RFC 8288 Link header), None on the last one.

    Filters that the link dropped are added again: Webex loses them on page 2
    (https://github.com/WebexCommunity/WebexPythonSDK/issues/168). Raises PagingStopped for a
    link to another origin (following it would hand our token over) or a header without any link.
    """
    target = _next_target(header or "")
    if target is None:
        return None
    try:
        url = urljoin(current, target)
        same = split_origin(url) == split_origin(current)
    except (UrlRefused, ValueError):
        same = False
    if not same:
        raise PagingStopped("foreign_link")
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    present = {name for name, _value in query}
    query += [(name, value) for name, value in filters.items() if name not in present]
    own = urlsplit(current)
    return urlunsplit((own.scheme, own.netloc, parts.path, urlencode(query), ""))


def _next_target(header: str) -> str | None:
    if header.strip() and not _LINK.search(header):
        raise PagingStopped("unreadable_link")
    for target, parameters in _LINK.findall(header):
        relation = _NEXT.search(parameters)
        if relation and "next" in relation.group(1).strip("\"'").lower().split():
            return str(target).strip()
    return None
