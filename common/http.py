"""One HTTP call to another system: bounded in time and size, and honest about what was sent.

No redirects, no proxies or credentials from the environment, no cookies, no retries, TLS always
verified. Nothing here logs, and no exception carries a URL, a header or a body.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from ssl import SSLError

import requests
from django.views.decorators.debug import sensitive_variables
from requests.exceptions import InvalidHeader, InvalidURL
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.exceptions import TimeoutError as TimeoutException

from common.http_guard import UrlRefused, split_origin
from common.http_sockets import Call, GuardedAdapter, current_call

#: Bytes of a body, as received and after unpacking.
BODY_LIMIT = 2 * 1024 * 1024
_CHUNK = 64 * 1024
_USER_AGENT = "partner-hub-user-status"
#: urllib3's own messages hold the URL, and so user IDs and addresses.
logging.getLogger("urllib3").setLevel(logging.ERROR)
_TROUBLE = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds: to be connected, and for the whole call with the last byte of the body.

    `start_by` is a moment of the monotonic clock: after it not one byte is sent.
    """

    connect: float = 3.0
    total: float = 15.0
    start_by: float | None = None


DEFAULT_TIMEOUT = Timeout()


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `headers` and `body` are secret and stay out of the repr."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: the body was received to its end and unpacked."""

    status: int
    headers: CaseInsensitiveDict[str] = field(repr=False)
    body: bytes = field(repr=False)


class CallFailed(Exception):
    """No usable answer. `reason` is one word, safe to log and to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotConnected(CallFailed):
    """Nothing was sent: `refused`, `dns`, `timeout`, `tls`, `address`, `url`
    or `late` (its own time to start was over).
    """


class AnswerLost(CallFailed):
    """Something was sent and no whole answer came: `timeout`, `reset`, `too_large`, `encoding`.

    `status` is that of the answer when its head had come, else None.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@sensitive_variables()
def call(
    request: Request,
    *,
    timeout: Timeout = DEFAULT_TIMEOUT,
    trusted_hosts: Collection[str] = (),
    keep_alive: bool = True,
) -> Answer:
    """Make one request and return the whole answer, whatever its status.

    `trusted_hosts` may have private addresses (see `http_guard`). With `keep_alive` False the
    call has a connection of its own, closed afterwards. Raises `NotConnected` when not one byte
    left, `AnswerLost` when the other side may have acted.
    """
    state = Call(
        deadline=time.monotonic() + timeout.total,
        connect_seconds=timeout.connect,
        trusted_hosts=trusted_hosts,
        start_by=timeout.start_by,
    )
    adapter = _shared_adapter(trusted_hosts) if keep_alive else GuardedAdapter(pool_maxsize=1)
    token = current_call.set(state)
    try:
        return _exchange(adapter, request, timeout)
    except CallFailed:
        raise
    except _TROUBLE as error:
        raise _failure(error, state) from None
    finally:
        current_call.reset(token)
        if not keep_alive:
            adapter.close()


@sensitive_variables()
def _exchange(adapter: GuardedAdapter, request: Request, timeout: Timeout) -> Answer:
    split_origin(request.url)
    headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip", **request.headers}
    prepared = requests.Request(
        request.method, request.url, headers=headers, data=request.body
    ).prepare()
    # Through the adapter, not a Session: a Session reads the body of a redirect, of any size,
    # before it tells us that there was one.
    response = adapter.send(prepared, stream=True, timeout=(timeout.connect, timeout.total))
    try:
        body = _read(response)
    except AnswerLost as error:
        raise AnswerLost(error.reason, response.status_code) from None
    except _TROUBLE as error:
        late = any(isinstance(cause, _TIMEOUTS) for cause in _causes(error))
        reason = "timeout" if late else "reset"
        raise AnswerLost(reason, response.status_code) from None
    finally:
        # A body that was read to its end has given its connection back; any other is closed.
        response.raw.close()
    return Answer(response.status_code, response.headers, body)


def _read(response: requests.Response) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise AnswerLost("encoding")
    received = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        received += chunk
        if len(received) > BODY_LIMIT:
            raise AnswerLost("too_large")
    packed = bool(received) and encoding in {"gzip", "x-gzip"}
    return _unpack(bytes(received)) if packed else bytes(received)


def _unpack(packed: bytes) -> bytes:
    """Unpack gzip up to the limit and no further: 2 MB may hold 2 GB of zeros."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(packed, BODY_LIMIT + 1)
    except zlib.error:
        raise AnswerLost("encoding") from None
    if len(plain) > BODY_LIMIT:
        raise AnswerLost("too_large")
    if not unpacker.eof:
        raise AnswerLost("encoding")
    return plain


def _failure(error: BaseException, state: Call) -> CallFailed:
    causes = list(_causes(error))
    late = any(isinstance(cause, _TIMEOUTS) for cause in causes)
    if state.sent:
        return AnswerLost("timeout" if late else "reset")
    if state.refused_address:
        return NotConnected("address")
    if state.is_late:
        return NotConnected("late")
    for kinds, reason in _UNSENT:
        if any(isinstance(cause, kinds) for cause in causes):
            return NotConnected(reason)
    return NotConnected("timeout" if late else "refused")


_TIMEOUTS = (TimeoutError, requests.Timeout, TimeoutException)
_UNSENT: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((UrlRefused, InvalidURL, InvalidHeader), "url"),
    ((NameResolutionError,), "dns"),
    ((requests.exceptions.SSLError, SSLError), "tls"),
    # To urllib3 this is a kind of timeout; ours are told apart in http_sockets.
    ((NewConnectionError,), "refused"),
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk through an error's wrappings; requests and urllib3 put the cause in three places."""
    for _layer in range(10):
        if error is None:
            return
        yield error
        inner = [error.__dict__.get("reason"), *error.args, error.__cause__]
        error = next((item for item in inner if isinstance(item, BaseException)), None)


_adapters: dict[tuple[int, frozenset[str]], GuardedAdapter] = {}


def _shared_adapter(trusted_hosts: Collection[str]) -> GuardedAdapter:
    """The pool of this process for this trust.

    A fork must not write into its parent's connections, nor a call that may not reach private
    addresses into a connection of one that may.
    """
    key = os.getpid(), frozenset(trusted_hosts)
    if key not in _adapters:
        for old in [old for old in list(_adapters) if old[0] != key[0]]:
            _adapters.pop(old, None)
        _adapters.setdefault(key, GuardedAdapter(pool_connections=20, pool_maxsize=32))
    return _adapters[key]
