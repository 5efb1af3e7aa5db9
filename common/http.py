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

from django.views.decorators.debug import sensitive_variables
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as TLSException
from urllib3.exceptions import TimeoutError as TimeoutException

from common.http_guard import split_origin
from common.http_sockets import Call, GuardedPools, current_call

#: Bytes of a body, as received and after unpacking.
BODY_LIMIT = 2 * 1024 * 1024
_CHUNK = 64 * 1024
_USER_AGENT = "partner-hub-user-status"
#: urllib3's own messages hold the URL, and so user IDs and addresses.
logging.getLogger("urllib3").setLevel(logging.ERROR)
_TROUBLE = (HTTPError, HTTPException, OSError, ValueError)


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
    """A whole answer: the body was received to its end and unpacked.

    The names of `headers` may be asked for in any case.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
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
    pools = _shared_pools(trusted_hosts) if keep_alive else GuardedPools(hosts=1, connections=1)
    token = current_call.set(state)
    try:
        return _exchange(pools, request)
    except CallFailed:
        raise
    except _TROUBLE as error:
        raise _failure(error, state) from None
    finally:
        current_call.reset(token)
        if not keep_alive:
            pools.clear()


@sensitive_variables()
def _exchange(pools: GuardedPools, request: Request) -> Answer:
    split_origin(request.url)
    response = pools.urlopen(
        request.method,
        request.url,
        body=request.body,
        headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip", **request.headers},
        retries=False,
        redirect=False,
        preload_content=False,
        decode_content=False,
    )
    try:
        body = _read(response)
    except AnswerLost as error:
        raise AnswerLost(error.reason, response.status) from None
    except _TROUBLE as error:
        raise AnswerLost("timeout" if _is_late(error) else "reset", response.status) from None
    finally:
        # A body that was read to its end has given its connection back; any other is closed.
        response.close()
    return Answer(response.status, response.headers, body)


def _read(response: BaseHTTPResponse) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise AnswerLost("encoding")
    received = bytearray()
    for chunk in response.stream(_CHUNK, decode_content=False):
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
    if state.sent:
        return AnswerLost("timeout" if _is_late(error) else "reset")
    if state.refused_address:
        return NotConnected("address")
    if state.is_late:
        return NotConnected("late")
    causes = list(_causes(error))
    for kinds, reason in _UNSENT:
        if any(isinstance(cause, kinds) for cause in causes):
            return NotConnected(reason)
    return NotConnected("timeout" if _is_late(error) else "refused")


_UNSENT: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((NameResolutionError,), "dns"),
    # Before ValueError, which a certificate that cannot be verified is as well.
    ((TLSException, SSLError), "tls"),
    # To urllib3 this is a kind of timeout; ours are told apart in http_sockets.
    ((NewConnectionError,), "refused"),
    # A URL, or the name or value of a header, that cannot be sent.
    ((ValueError,), "url"),
)


def _is_late(error: BaseException) -> bool:
    return any(isinstance(cause, TimeoutError | TimeoutException) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk through an error's wrappings; urllib3 puts the cause in three places."""
    for _layer in range(10):
        if error is None:
            return
        yield error
        inner = [error.__dict__.get("reason"), *error.args, error.__cause__]
        error = next((item for item in inner if isinstance(item, BaseException)), None)


_pools: dict[tuple[int, frozenset[str]], GuardedPools] = {}


def _shared_pools(trusted_hosts: Collection[str]) -> GuardedPools:
    """The connections of this process for this trust.

    A fork must not write into its parent's connections, nor a call that may not reach private
    addresses into a connection of one that may.
    """
    key = os.getpid(), frozenset(trusted_hosts)
    if key not in _pools:
        for old in [old for old in list(_pools) if old[0] != key[0]]:
            _pools.pop(old, None)
        _pools.setdefault(key, GuardedPools(hosts=20, connections=32))
    return _pools[key]
